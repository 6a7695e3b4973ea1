"""A node's files in a real browser: shown, copied as they are, and readable on a phone."""

from playwright.sync_api import Browser

from app.rspamd.site_config.files import Origin, origin_of
from tests.browser.conftest import Watched
from tests.browser.test_screens import OUT_OF_REACH, keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep


def test_the_files_are_shown_and_copied(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> None:
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 1366, "height": 900})  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    page = watched.open("/rspamd/")
    page.select_option("#node", "mx1")
    page.fill("#version", "4.1.5")
    page.fill("#password", "secret")
    page.click("text=Show the files")
    button = page.locator("[data-copy]").nth(1)
    button.click()
    page.wait_for_function("() => document.querySelectorAll('[data-copy]')[1].textContent.trim() === 'Copied'")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "RQWATCH_IP_BLACKLIST" in copied
    assert origin_of(copied) is Origin.OURS
    faults = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += serious_faults(page)
        keep_pictures(page, "rspamd-files", scheme)
    page.set_viewport_size({"width": 390, "height": 900})
    faults += serious_faults(page) + page.evaluate(OUT_OF_REACH)
    context.close()
    assert (watched.complaints, faults) == ([], [])
