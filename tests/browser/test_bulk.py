"""Acts on many mails, as somebody with a mouse, a keyboard or neither scripts does them."""

import os
import pathlib
import re
import sqlite3

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.servers.gunicorn import Mailkeep

STORED = "/mails/list/?stored.is=yes&virus.is=no&action.is=reject&released.is=no&size=25"
SECONDS = 60_000


def keep_picture(page: Page, name: str) -> None:
    """For `make screenshots`: light and dark, wide and narrow."""
    if folder := os.environ.get("SCREENSHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in (390, 1366):
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=pathlib.Path(folder) / f"{name}-{width}-{scheme}.png")


def test_ticked_mails_are_released_and_a_reload_loses_nothing(admin: Watched) -> None:
    page = admin.open(STORED)
    ticks, told, press = page.locator('tbody input[name="id"]'), page.locator("#mk-ticked"), page.locator(".mk-bulk-acts button").first
    assert press.is_disabled()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(told).to_have_text("2 mails chosen")
    page.keyboard.press("x")
    expect(told).to_have_text("1 mail chosen")
    assert ticks.first.is_checked()
    page.locator("#mk-all-head").check()
    assert ticks.count() == page.locator('tbody input[name="id"]:checked').count() > 1
    page.locator("#mk-all-head").uncheck()
    ticks.nth(0).check()
    ticks.nth(1).check()
    keep_picture(page, "ticked")
    press.click()
    page.wait_for_url("**/bulk/confirm/release")
    expect(page.locator(".mk-bulk-number")).to_contain_text("2")
    keep_picture(page, "confirm")
    page.get_by_role("button", name="Release").click()
    page.wait_for_url(re.compile(r"/bulk/\d+$"))
    page.reload()
    expect(page.locator(".mk-bulk-run .mk-mark").first).to_contain_text("done", timeout=SECONDS)
    expect(page.locator("progress")).to_have_attribute("value", "2")
    keep_picture(page, "ran")
    undo = page.get_by_role("button", name="Undo all that waits")
    undo.click()
    expect(page.locator(".mk-note.good")).to_contain_text("undone for 2 mails")
    expect(undo).to_be_hidden()
    assert (admin.complaints, admin.foreign) == ([], [])


def test_all_that_a_search_finds_is_done_while_one_looks_on(admin: Watched) -> None:
    page = admin.open("/mails/list/?stored.is=yes&action.is=reject&size=25")
    page.locator("#mk-all").check()
    page.locator(".mk-bulk-acts button").first.click()
    page.wait_for_url("**/bulk/confirm/release")
    number = int(page.locator(".mk-bulk-number b").inner_text())
    keep_picture(page, "confirm-all")
    page.get_by_role("button", name="Release").click()
    page.wait_for_url(re.compile(r"/bulk/\d+$"))
    keep_picture(page, "running")
    expect(page.locator(".mk-bulk-run .mk-mark").first).to_contain_text("done", timeout=3 * SECONDS)
    shown = [int(text) for text in page.locator(".mk-bulk-run .mk-kv dd").all_inner_texts()]
    assert sum(shown) == number
    expect(page.get_by_role("button", name="Cancel the rest")).to_be_hidden()
    assert (admin.complaints, admin.foreign) == ([], [])


@pytest.mark.parametrize("width", [390, 1366])
def test_it_needs_no_script(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object], width: int) -> None:
    context = chromium.new_context(
        storage_state=logged_in,  # type: ignore[arg-type]
        java_script_enabled=False,
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{panel.port}{STORED}")
    page.locator('tbody input[name="id"]').nth(2).check()
    page.locator(".mk-bulk-acts button").first.click()
    expect(page.locator(".mk-bulk-number")).to_contain_text("1")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_many_copies_are_deleted_after_their_number_was_typed(admin: Watched, panel: Mailkeep) -> None:
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        marked = "copy_state = 'stored' AND has_virus = 0 AND action = 'add header' AND release_state = 'none'"
        ids = [str(found) for (found,) in database.execute(f"SELECT id FROM mail WHERE {marked} ORDER BY id DESC LIMIT 4 OFFSET 12")]
    page = admin.open(f"/mails/list/?action.is=add%20header&stored.is=yes&size=25&before={int(ids[0]) + 1}")
    for mail_id in ids:
        page.locator(f'#m{mail_id} input[name="id"]').check()
    page.locator(".mk-bulk-acts").get_by_role("button", name="Delete the stored copies").click()
    page.wait_for_url("**/bulk/confirm/delete_copy")
    press = page.locator(".mk-panel .mk-row-links button")
    page.fill("#mk-typed", "3")
    press.click()
    expect(page.locator(".mk-note.bad")).to_be_visible()
    admin.complaints.clear()  # the browser tells of each 400
    page.fill("#mk-typed", "4")
    keep_picture(page, "confirm-delete")
    press.click()
    page.wait_for_url(re.compile(r"/bulk/\d+$"))
    page.reload()
    expect(page.locator("progress")).to_have_attribute("value", "4", timeout=SECONDS)
    keep_picture(page, "ran-delete")
    page.get_by_role("button", name="Undo all that waits").click()
    expect(page.locator(".mk-note.good")).to_contain_text("undone for 4 mails")
    page = admin.open(f"/mails/show/{ids[0]}")
    expect(page.locator('#delete button[value="copy"]')).to_be_visible()
    page.locator("details", has_text="What happened").locator("summary").click()
    expect(page.locator(".mk-timeline")).to_contain_text("The stored copy was kept after all.")
    assert (admin.complaints, admin.foreign) == ([], [])
