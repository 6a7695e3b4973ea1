"""A map's life in a real browser: made, filled with many lines, some of which are mended, tried on the log, and taken back."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

GOOD = [f"/^wave number {number}\\b/i WAVE_{number}:{number % 7}" for number in range(195)]
BAD = {20: "/unclosed (/i", 60: "no slashes", 100: "/flag/q", 140: "/class[/", 180: "/two/ words here"}
MENDED = {20: "/unclosed/i", 60: "/slashes/", 100: "/flag/i", 140: "/class/", 180: "/two/ WORDS"}


def lines(instead: dict[int, str]) -> list[str]:
    """200, with these at these places."""
    good = iter(GOOD)
    return [instead[number] if number in instead else next(good) for number in range(1, 201)]


def test_a_map_is_made_filled_tried_and_taken_back(admin: Watched) -> None:
    page = admin.open("/map-settings/new")
    make_map(page)
    bring_lines(page)
    try_and_import(page)
    try_one(page, f"{admin.base}/lists/waves/new")
    go_back(page)
    assert (admin.complaints, admin.foreign) == ([], [])


def make_map(page: Page) -> None:
    page.fill("#title", "Waves of spam")
    page.fill("#name", "waves")
    page.select_option("#kind", "regexp")
    page.select_option("#part", "subject")
    page.select_option("#colour", "deny")
    page.fill("#symbol", "WAVES")
    page.fill("#score", "4.5")
    page.get_by_role("button", name="Save").click()


def bring_lines(page: Page) -> None:
    page.get_by_role("link", name="Import").click()
    page.fill("#text", "\n".join(lines(BAD)))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="200 lines")).to_be_visible()
    expect(page.locator(".mk-counts")).to_contain_text("195 new")
    expect(page.locator(".mk-counts")).to_contain_text("5 wrong")
    assert page.locator(".mk-lines-told tbody td:first-child").all_inner_texts() == ["20", "60", "100", "140", "180"]

    for number, text in MENDED.items():
        page.locator(f"a[data-line='{number}']").click()  # the line is chosen, as one would do it to type over it
        assert (
            page.evaluate("String(getSelection()) || document.getElementById('text').value.slice(text.selectionStart, text.selectionEnd)")
            == BAD[number]
        )
        page.keyboard.type(text)
    page.get_by_role("button", name="Check again").click()
    expect(page.locator(".mk-counts")).to_have_text(re.compile(r"^\s*200 new\s*$"))


def try_and_import(page: Page) -> None:
    page.get_by_role("link", name="What would they have hit?").click()
    expect(page.locator("main")).to_contain_text("of the last 7 days would have been hit.")
    page.go_back()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".mk-note")).to_contain_text("200 entries were added.")
    expect(page.locator(".mk-diff .added").first).to_be_visible()


def try_one(page: Page, address: str) -> None:
    page.goto(address)
    page.fill("#value", "/last chance/i")
    page.get_by_role("link", name="What would it have hit?").click()
    expect(page.locator("#mk-tried")).to_contain_text("of the last 7 days would have been hit.")
    expect(page.locator("#mk-tried tr[data-href]").first).to_be_visible()
    page.get_by_role("button", name="Save").click()


def go_back(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history")  # and its scripts, which ask before anything is undone
    page.locator("tr", has=page.locator("td[data-label=Revision] a", has_text=re.compile("^1$"))).get_by_role(
        "button", name="Back to this"
    ).click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".mk-note")).to_contain_text("The map has the entries of revision 1 again.")
    page.get_by_role("link", name="Entries").click()
    expect(page.locator(".mk-count")).to_contain_text("200")
