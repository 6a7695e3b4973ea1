"""A key in a real browser, from the form to the clipboard, and from there to curl."""

import subprocess
from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep
from tests.servers.process import need


def test_a_key_is_made_copied_used_and_revoked(chromium: Browser, panel: Mailkeep, logged_in: dict[str, Any]) -> None:
    base = f"http://127.0.0.1:{panel.port}"
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 1366, "height": 900})  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    watched = Watched(context.new_page(), base).watch()
    page = watched.open("/keys/")
    page.fill("#name", "From the browser")
    page.select_option("#role", "Admin")
    page.get_by_role("button", name="Make the key").click()
    shown = page.locator("#new-key").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert serious_faults(page) == []
        keep_pictures(page, "new-key", scheme)
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [
        curl(base, *way) for way in (("-H", f"Authorization: Bearer {shown}"), ("-u", f"admin:{shown}"), ("-u", f"admin:{PASSWORD}"))
    ] == ["200"] * 3
    page.locator("tr", has_text="From the browser").get_by_role("button", name="Revoke").click()
    page.locator("#mk-confirm").get_by_role("button", name="Yes").click()
    expect(page.locator("tr", has_text="From the browser")).to_have_count(0)
    assert curl(base, "-H", f"Authorization: Bearer {shown}") == "401"
    assert (watched.complaints, watched.foreign) == ([], [])
    context.close()


def curl(base: str, *words: str) -> str:
    command = [need("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", *words, f"{base}/api/v1/mail/?size=5"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
