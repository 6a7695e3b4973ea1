"""A mail is scanned again by a real Rspamd, and today's verdict stands beside that of then."""

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep
from tests.servers.rspamd import Rspamd

SECONDS = 60_000


@pytest.fixture
def controller(panel: Mailkeep) -> Iterator[Rspamd]:
    with Rspamd("") as server:
        url = f"http://127.0.0.1:{server.controller}"
        panel.flask("nodes", "edit", "mx-a", "--controller", url, "--controller-password", "tests")
        there = "UPDATE node SET api_url = ? WHERE name = 'mx-a'"  # the screens say it is away, and would have the copy asked for there
        with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
            [(away,)] = database.execute("SELECT api_url FROM node WHERE name = 'mx-a'")
            database.execute(there, ("",))
        yield server
        with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
            database.execute(there, (away,))
        panel.flask("nodes", "edit", "mx-a", "--controller", "")


def test_then_and_today_stand_side_by_side(admin: Watched, panel: Mailkeep, controller: Rspamd) -> None:
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        held = "copy_state = 'stored' AND has_virus = 0 AND action = 'reject' AND node = 'mx-a' AND symbols LIKE '%FUZZY_DENIED%'"
        mail_id, score = database.execute(
            f"SELECT id, score FROM mail JOIN mail_detail ON mail_id = id WHERE {held} ORDER BY id LIMIT 1"
        ).fetchone()
    page = admin.open(f"/mails/show/{mail_id}")
    page.locator("#learning").get_by_role("button", name="Scan again").click()
    found = page.locator(".mk-rescan").first
    expect(found.locator(".mk-score").first).to_have_text(f"{score:g}", timeout=SECONDS)
    expect(found.locator(".mk-verdict-line")).to_contain_text("Rspamd 3.")
    expect(found.locator(".mk-compared tr", has_text="FUZZY_DENIED")).to_contain_text("gone")
    expect(found.locator(".mk-compared .mk-mark.warn").first).to_have_text("new")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        keep_pictures(page, "scanned-again", scheme)
    assert serious_faults(page) == []
    page.locator("details", has_text="What happened").locator("summary").click()
    expect(page.locator(".mk-timeline")).to_contain_text("It was scanned again on mx-a")
    assert (admin.complaints, admin.foreign) == ([], [])
