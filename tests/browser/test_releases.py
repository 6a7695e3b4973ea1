"""A mail is released on its page: undone, released once more, and sent while one looks on."""

import sqlite3

import pytest
from playwright.sync_api import Page, expect

from app.mime.release import MARK
from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep
from tests.servers.relay import Relay

PLACE = ".mk-releases li"


def only_the_first(page: Page) -> str:
    ticks = page.locator(".mk-targets input")
    for number in range(ticks.count()):
        ticks.nth(number).set_checked(number == 0)
    return ticks.first.get_attribute("value") or ""


def sent_to(relay: Relay, mail: str) -> list[list[str]]:
    """The relay gets what other walks release, too."""
    return [each.rcpt_tos for each in relay.envelopes if f"{MARK}: id={mail};".encode() in bytes(each.content or b"")]


@pytest.fixture
def held_mail(panel: Mailkeep) -> str:
    """The id of one that went to nobody yet."""
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        there = "copy_state = 'stored' AND release_state = 'none' AND has_virus = 0"
        return str(database.execute(f"SELECT id FROM mail WHERE {there} ORDER BY id DESC LIMIT 1").fetchone()[0])


def test_released_undone_and_released(admin: Watched, held_mail: str, relay: Relay) -> None:
    page = admin.open(f"/mails/show/{held_mail}")
    target = only_the_first(page)
    page.click(".mk-release form .btn-primary")
    page.locator(f"{PLACE} button").click()
    expect(page.locator(PLACE).first).to_contain_text("undone")
    assert sent_to(relay, held_mail) == []
    page.reload()
    only_the_first(page)
    page.click(".mk-release form .btn-primary")
    expect(page.locator(f"{PLACE} [data-seconds]")).to_be_visible()
    page.route(
        "**/releases", lambda route: route.fulfill(status=503), times=1
    )  # busy for a moment: what stands there stays, and it goes on
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        keep_pictures(page, "released", scheme)
    expect(page.locator(PLACE).first).to_contain_text("250 2.0.0 kept as number 7", timeout=150_000)
    assert sent_to(relay, held_mail) == [[target]]
    assert serious_faults(page) == []
    page.reload()
    page.wait_for_load_state("networkidle")
    only_the_first(page)
    page.click(".mk-release form .btn-primary")
    expect(page.locator("h1")).to_have_text("Release this mail?")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        keep_pictures(page, "release-confirm", scheme)
        assert serious_faults(page) == []
    assert [each for each in admin.complaints if "503" not in each] == admin.foreign == []
