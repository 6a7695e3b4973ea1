"""What people do, in a real browser: log in, find, read, take an attachment, keep a search."""

import http.client
import os
import pathlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.queries.fields import FIELDS, Kind
from tests.browser.conftest import PASSWORD, Watched, log_in
from tests.browser.test_hostile import hostile
from tests.make import make_headers
from tests.servers.gunicorn import Mailkeep

__all__ = ["hostile"]


def test_logging_in_leads_to_the_mails_and_out_again(chromium: Browser, panel: Mailkeep) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{panel.port}/mails/list/?score.ge=5")
    page.fill("#username", "admin")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#mk-mails tbody tr").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Logout")).click()
    expect(page.locator("#password")).to_be_visible()
    page.goto(f"http://127.0.0.1:{panel.port}/mails/list/")
    expect(page.locator("#password")).to_be_visible()
    context.close()


FILTERS = {
    "time": ("between", "yesterday..today"),
    "sender": ("contains", "e"),
    "from": ("starts", "a"),
    "rcpt": ("contains", "example"),
    "to": ("contains", "example"),
    "sender_domain": ("starts", "b"),
    "from_domain": ("contains", "example"),
    "rcpt_domain": ("is", "example.com"),
    "subject": ("lacks", "zzz"),
    "ip": ("is", "198.51.100.0/24"),
    "action": ("is", "reject"),
    "score": ("between", "5..40"),
    "size": ("le", "1 MB"),
    "symbol": ("is", "BAYES_SPAM"),
    "virus": ("is", "yes"),
    "risk": ("is", "yes"),
    "listed": ("is", "allow"),
    "personal": ("is", "deny"),
    "stored": ("is", "yes"),
    "notified": ("is", "yes"),
    "released": ("is", "yes"),
    "queue_id": ("starts", "4X"),
    "message_id": ("starts", "demo-"),
    "node": ("is", "mx-a"),
    "user": ("empty", ""),
    "direction": ("is", "in"),
    "headers": ("contains", "Subject"),
}


@pytest.fixture(scope="module")
def searcher(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> Iterator[Watched]:
    """One page for all filters: each is set in place of the one before."""
    context = chromium.new_context(storage_state=logged_in)  # type: ignore[arg-type]
    watched = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    watched.open("/mails/list/")
    yield watched
    context.close()


@pytest.mark.parametrize("field", [name for name, field in FIELDS.items() if field.kind is not Kind.QUICK])
def test_each_kind_of_filter_is_set_in_the_form_and_finds(searcher: Watched, field: str) -> None:
    op, value = FILTERS[field]
    page = searcher.page
    page.locator(".mk-filters > summary").click()
    row = page.locator(".mk-filter").first
    row.locator("select").first.select_option(field)
    row.locator("select").nth(1).select_option(op)
    if op == "empty":
        expect(row.locator("input")).to_be_hidden()
    else:
        row.locator("input").fill(value)
    page.locator(".mk-filter-tools button[type=submit]").click()
    page.wait_for_url(f"**{field}.{op}=**")
    expect(page.locator(".mk-chip")).to_have_count(1)
    expect(page.locator("#mk-mails tbody tr").first).to_be_visible()
    assert searcher.complaints == []


def test_the_quick_box_keys_and_a_mail_by_the_keyboard_alone(admin: Watched) -> None:
    page = admin.open("/mails/list/")
    page.keyboard.press("/")
    page.keyboard.type("confirm")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=confirm**")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/mails/show/**")
    frame = page.frame_locator(".mk-form-html iframe")
    expect(frame.locator("body")).to_contain_text(re.compile("[A-Za-z]{3}"))
    page.locator("label[for=mk-form-text]").click()
    expect(page.locator(".mk-text")).to_be_visible()
    page.locator("details", has_text="Symbols").locator("summary").click()
    expect(page.locator(".mk-symbols tbody tr").first).to_be_visible()
    assert admin.complaints == []


def test_roles_are_found_and_opened_by_the_keyboard_alone(admin: Watched) -> None:
    page = admin.open("/roles/list/")
    page.keyboard.press("/")
    expect(page.locator(".mk-finder [data-add]")).to_be_focused()
    page.keyboard.type("Name")  # the first field that begins so
    page.keyboard.press("Enter")
    expect(page.locator(".mk-finder-row")).to_have_count(1)
    page.locator(".mk-finder-row [data-value] input").fill("Auditor")
    page.keyboard.press("Enter")
    page.wait_for_url("**_flt_**Auditor**")
    page.keyboard.press("/")
    expect(page.locator(".mk-finder-row [data-operator]")).to_be_focused()
    page.locator("h2").first.click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/roles/show/**")
    expect(page.locator(".mk-values").first).to_contain_text("Auditor")
    page.go_back()
    page.locator(".mk-cards tbody td", has_text="Auditor").first.click()
    page.wait_for_url("**/roles/show/**")
    assert admin.complaints == []


def test_an_account_is_made_found_changed_and_deleted(admin: Watched) -> None:
    page = admin.open("/people/")
    page.get_by_role("link", name=re.compile("New account")).click()
    page.fill("#username", "walker")
    page.fill("#email", "walker@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".mk-note.warn")).to_contain_text("Its password, shown this once")
    page.fill("input[name=add]", "walker@example.org")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".mk-plain")).to_contain_text("walker@example.org")
    page.goto(f"{admin.base}/people/")
    page.keyboard.press("/")
    page.keyboard.type("walker@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=walker**")
    expect(page.locator(".mk-people tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/people/\d+$"))
    page.get_by_role("button", name=re.compile("Delete this account")).click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".mk-note.good")).to_contain_text("walker")
    assert admin.complaints == []


def test_the_navigation_marks_where_one_is(admin: Watched) -> None:
    for path, name in (("/people/1", "People"), ("/profile/", "admin"), ("/mails/statistics", "Mails")):
        marked = admin.open(path).locator(".mk-side [aria-current]")
        expect(marked).to_have_count(1)
        expect(marked).to_have_text(re.compile(name))


def test_an_example_fits_the_condition(admin: Watched) -> None:
    page = admin.open("/mails/list/")
    page.locator(".mk-filters > summary").click()
    row = page.locator(".mk-filter").last
    row.locator("select").first.select_option("score")
    for op, example in (("ge", "6.5"), ("between", "5..10")):
        row.locator("select").nth(1).select_option(op)
        expect(row.locator("input")).to_have_attribute("placeholder", example)


def test_bars_have_our_colours_on_every_screen(admin: Watched) -> None:
    look = "getComputedStyle(document.querySelector('meter')).appearance"
    for path in ("/quarantine/", "/mails/statistics"):
        assert admin.open(path).evaluate(look) == "none"


def test_a_search_is_kept_found_again_and_deleted(admin: Watched) -> None:
    page = admin.open("/mails/list/?score.ge=7&action.is=reject")
    page.locator(".mk-save > summary").click()
    page.fill(".mk-save-form input[name=name]", "Heavy ones")
    page.locator(".mk-save-form button").click()
    expect(page.locator(".mk-note.good")).to_contain_text("Heavy ones")
    page.goto(f"{admin.base}/mails/list/")
    page.locator(".mk-saved > summary").click()
    page.get_by_role("link", name="Heavy ones").click()
    page.wait_for_url("**score.ge=7**")
    page.locator(".mk-saved > summary").click()
    page.get_by_role("button", name="Delete the search Heavy ones").click()
    expect(page.locator(".mk-note.good")).to_be_visible()
    assert page.get_by_role("link", name="Heavy ones").count() == 0


def test_the_way_back_from_a_mail_keeps_the_search(admin: Watched) -> None:
    page = admin.open("/mails/list/?action.is=reject")
    page.locator("#mk-mails tbody tr a").first.click()
    page.get_by_role("link", name=re.compile("To the mails")).click()
    page.wait_for_url("**action.is=reject**")


def test_an_attachment_is_saved_and_never_shown(admin: Watched, hostile: dict[str, int]) -> None:
    page = admin.open(f"/mails/show/{hostile['attachment called ' + repr('../../../etc/passwd')]}")
    expect(page.locator(".mk-attachments .mk-mark.bad").first).to_be_visible()
    with page.expect_download() as waited:
        page.locator(".mk-attachments a").first.click()
    assert waited.value.suggested_filename == "passwd"
    with page.expect_download() as waited:
        page.get_by_role("link", name=re.compile("Download")).click()
    assert waited.value.suggested_filename.endswith(".eml")


def test_statistics_come_beside_the_list_and_new_rows_by_themselves(admin: Watched, panel: Mailkeep) -> None:
    page = admin.open("/mails/list/")
    page.locator("#mk-statistics-link").click()
    expect(page.locator("#mk-statistics .mk-kv")).to_be_visible()
    page.locator("#mk-live").check()
    before = page.locator("#mk-mails tbody tr").first.get_attribute("data-id")
    connection = http.client.HTTPConnection("127.0.0.1", panel.port)
    connection.request("POST", "/ingest/mx1", b"Subject: brand new\r\n\r\nhello", make_headers(subject="brand new"))
    assert connection.getresponse().status == 200
    connection.close()
    expect(page.locator("#mk-mails tbody tr").first).to_contain_text("brand new", timeout=15_000)
    assert page.locator("#mk-mails tbody tr").first.get_attribute("data-id") != before
    page.locator("#mk-live").uncheck()


def test_the_appearance_is_chosen_and_kept_and_the_zone_is_the_browsers(
    chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]
) -> None:
    context = chromium.new_context(storage_state=logged_in, timezone_id="Asia/Tokyo")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{panel.port}/quarantine/")
    with page.expect_response("**/theme/"):
        page.select_option("#mk-theme", "dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(f"http://127.0.0.1:{panel.port}/mails/list/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 22, 30)"
    assert "+09:00" in (page.locator("#mk-mails time").first.get_attribute("title") or "") or "JST" in (
        page.locator("#mk-mails time").first.get_attribute("title") or ""
    )
    with page.expect_response("**/theme/"):  # it is the account's, and other tests have the same
        page.select_option("#mk-theme", "")
    context.close()


def test_an_admin_acts_as_somebody_and_chooses_a_zone(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> None:
    """In a browser of their own: a change of names ends the session that it began with."""
    panel.flask("users", "add", "walter", "walter@example.com")
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    log_in(context, f"http://127.0.0.1:{panel.port}")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{panel.port}/profile/")
    page.locator("#zone").locator("xpath=preceding-sibling::input").fill("kathm")
    expect(page.locator("#zone option")).to_have_count(2)
    page.goto(f"http://127.0.0.1:{panel.port}/people/?q=walter")
    page.get_by_role("link", name="walter").first.click()
    page.get_by_role("button", name="Act as this account").scroll_into_view_if_needed()
    keep_picture(page, "person-to-act-as")
    page.get_by_role("button", name="Act as this account").click()
    expect(page.locator(".mk-acting")).to_contain_text("you act as walter")
    keep_picture(page, "acting")
    page.goto(f"http://127.0.0.1:{panel.port}/people/")
    expect(page.locator(".mk-acting")).to_be_visible()
    keep_picture(page, "acting-refused")
    page.get_by_role("button", name="Be admin again").click()
    expect(page.locator("h1")).to_have_text("walter")
    expect(page.locator(".mk-acting")).to_have_count(0)
    context.close()


def keep_picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.screenshot(path=pathlib.Path(folder) / f"{name}-{width}-{scheme}.png")


def test_on_a_phone_the_menu_folds_and_unfolds(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> None:
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 390, "height": 800})  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{panel.port}/mails/list/")
    link = page.get_by_role("link", name="Quarantine")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    link.click()
    page.wait_for_url("**/quarantine/")
    context.close()
