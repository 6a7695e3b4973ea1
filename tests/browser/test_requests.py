"""A recipient requests the release of a mail that they may not release, an admin approves it, and it arrives."""

import sqlite3

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep
from tests.servers.relay import Relay


def held_with_virus(panel: Mailkeep) -> tuple[str, str]:
    """Its id and its first recipient."""
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        there = "copy_state = 'stored' AND has_virus = 1 AND release_state = 'none' AND first_rcpt <> ''"
        there += " AND id NOT IN (SELECT mail_id FROM mail_request)"
        found = database.execute(f"SELECT id, first_rcpt FROM mail WHERE {there} ORDER BY id DESC LIMIT 1").fetchone()
    return str(found[0]), found[1]


def test_requested_approved_and_sent(chromium: Browser, panel: Mailkeep, admin: Watched, relay: Relay) -> None:
    mail, address = held_with_virus(panel)
    password = panel.flask("users", "add", "asker", address).split()[-1]
    context = chromium.new_context()
    asker = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    page = asker.open("/login/")
    page.fill("input[name=username]", "asker")
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/mails/list/**")
    page = asker.open("/requests/")
    expect(page.locator(".mk-empty")).to_have_text("You have not requested anything.")
    keep_both(page, "requests-none")
    page = asker.open(f"/mails/show/{mail}")
    keep_both(page, "request-free")
    page.fill(".mk-ask input[name=comment]", "It is the order of a customer.")
    page.click(".mk-ask button")
    expect(page.locator("#request .mk-mark")).to_have_text("waits for a decision")
    keep_both(page, "request-waits")
    assert serious_faults(page) == []

    before = len(relay.envelopes)
    decider = admin.open("/requests/")
    expect(decider.locator(".mk-open")).to_be_visible()
    decider.locator("tr", has_text="It is the order of a customer.").locator("input[name=rowid]").check()
    decider.fill(".mk-bulk input[name=words]", "Look twice before you open it.")
    decider.click(".mk-bulk button[value=approve]")
    expect(decider.locator("h1")).to_have_text("Release these mails?")
    keep_both(decider, "requests-confirm")
    assert serious_faults(decider) == []
    decider.click("button:has-text('Release all the same')")
    expect(decider.locator(".mk-note, .alert").first).to_contain_text("1 request is approved")
    expect(decider.locator("h1")).to_have_text("Requests")

    page = asker.open(f"/mails/show/{mail}")
    expect(page.locator("#request")).to_contain_text("Look twice before you open it.")
    expect(page.locator(".mk-releases li").filter(has_text="250 2.0.0 kept").first).to_be_visible(timeout=150_000)
    keep_both(page, "request-approved")
    assert [address] in [each.rcpt_tos for each in relay.envelopes[before:]]
    assert (asker.complaints, asker.foreign, admin.complaints, admin.foreign) == ([], [], [], [])
    context.close()


def keep_both(page: object, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[attr-defined]
        keep_pictures(page, name, scheme)  # type: ignore[arg-type]
