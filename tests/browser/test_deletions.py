"""A copy is deleted in the list and kept after all, without leaving it."""

import sqlite3

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep


@pytest.fixture
def held_mail(panel: Mailkeep) -> str:
    """The id of one whose copy is there; the oldest, which no other test takes."""
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        there = "copy_state = 'stored' AND release_state = 'none' AND has_virus = 0"
        return str(database.execute(f"SELECT id FROM mail WHERE {there} ORDER BY id LIMIT 1").fetchone()[0])


def test_deleted_in_the_list_and_kept(admin: Watched, held_mail: str) -> None:
    page = admin.open(f"/mails/list/?size=25&before={int(held_mail) + 1}")
    page.locator(f"#m{held_mail} button[name=extent]").click()
    expect(page.locator(".mk-undo")).to_contain_text("The stored copy is deleted.")
    expect(page.locator(f"#m{held_mail} .mk-marks")).to_contain_text("being deleted")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        keep_pictures(page, "deleted-in-list", scheme)
    assert serious_faults(page) == []
    page.locator(".mk-undo button").click()
    expect(page.locator(".mk-note")).to_contain_text("Nothing is deleted.")
    assert f"before={int(held_mail) + 1}" in page.url
    page = admin.open(f"/mails/show/{held_mail}")
    page.locator("#delete button[value=mail]").click()
    expect(page.locator("h1")).to_have_text("Delete this mail?")
    keep_pictures(page, "delete-confirm", "light")
    assert serious_faults(page) == []
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("#delete button[value=mail]")).to_be_visible()
    assert (admin.complaints, admin.foreign) == ([], [])
