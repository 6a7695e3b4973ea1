"""A second factor from the square to the next login, in a real browser: every screen of it sound, its buttons alive."""

import pathlib

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.security.factors import code_before, code_of
from tests.servers.gunicorn import Mailkeep

NAME = "factor"


def looked_at(page: Page, name: str) -> list[str]:
    faults = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += serious_faults(page)
        keep_pictures(page, name, scheme)
    page.set_viewport_size({"width": 390, "height": 900})
    faults += ["too wide"] if page.evaluate("document.documentElement.scrollWidth") > 390 else []
    page.set_viewport_size({"width": 1366, "height": 900})
    return faults


def log_in(page: Page, base: str, password: str) -> None:
    page.goto(f"{base}/login/")
    page.fill("input[name=username]", NAME)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")


def test_from_the_square_to_the_next_login(chromium: Browser, panel: Mailkeep, tmp_path: pathlib.Path) -> None:
    password = panel.flask("users", "add", NAME, "factor@example.com").split()[-1]
    base = f"http://127.0.0.1:{panel.port}"
    context = chromium.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True, permissions=["clipboard-write"])
    watched = Watched(context.new_page(), base).watch()
    page = watched.page
    log_in(page, base, password)
    page.wait_for_url("**/mails/list/**")
    watched.open("/second-factor/")
    assert page.evaluate("document.querySelector('.mk-square').naturalWidth") > 100
    secret = page.locator(".mk-secret code").inner_text().replace(" ", "")
    page.fill("input[name=code]", code_before(secret))
    page.press("input[name=code]", "Enter")
    page.wait_for_selector("#mk-codes")
    faults = looked_at(page, "second-factor-codes")
    codes = page.locator("#mk-codes").inner_text().split()
    with page.expect_download() as download:
        page.click("a[download]")
    download.value.save_as(tmp_path / "codes.txt")
    assert (tmp_path / "codes.txt").read_text(encoding="utf-8").split()[2:] == codes
    page.click("[data-copy]")
    expect(page.locator("[data-copy] span")).not_to_have_text("Copy")
    watched.open("/second-factor/")
    faults += looked_at(page, "second-factor-on")
    watched.open("/profile/")
    faults += looked_at(page, "profile-with-factor")
    context.clear_cookies()
    log_in(page, base, password)
    page.wait_for_url("**/login/code/**")
    faults += looked_at(page, "second-factor-step")
    page.fill("input[name=code]", code_of(secret))
    page.press("input[name=code]", "Enter")
    page.wait_for_url("**/mails/list/**")
    complaints = watched.complaints
    context.close()
    assert (complaints, watched.foreign, faults) == ([], [], [])
