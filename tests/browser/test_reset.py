"""A forgotten password, in a real browser: from the login to the mail, by its link to a new password, and in."""

import re

from playwright.sync_api import Browser

from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.servers.gunicorn import Mailkeep
from tests.servers.process import wait_for
from tests.servers.relay import Relay


def test_a_forgotten_password(chromium: Browser, panel: Mailkeep, relay: Relay) -> None:
    panel.flask("users", "add", "forgetful", "forgetful@example.com")
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    base = f"http://127.0.0.1:{panel.port}"
    watched = Watched(context.new_page(), base).watch()
    page = watched.open("/login/")
    keep_pictures(page, "login-with-link", "light")
    page.get_by_text("Forgotten your password?").click()
    page.fill("input[name=name]", "forgetful")
    keep_pictures(page, "forgotten-asked", "light")
    page.press("input[name=name]", "Enter")
    page.wait_for_url("**/login/")
    keep_pictures(page, "forgotten-answered", "light")

    def letters() -> list[str]:
        """Others' mails pass there, too."""
        return [str(each.get_content()) for each in relay.messages if "forgetful@example.com" in str(each["To"])]

    wait_for(letters)
    found = re.search(rf"^{base}(/password/choose\?link=\S+)", letters()[-1], re.MULTILINE)
    assert found, letters()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("referer", "")))
    watched.open(found[1])
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert serious_faults(page) == []
        keep_pictures(page, "choose", scheme)
    assert any(asked)
    assert not [address for address in asked if "link=" in address]
    page.fill("input[name=new]", "Another-Horse-77")
    page.fill("input[name=again]", "Another-Horse-77")
    page.press("input[name=again]", "Enter")
    page.wait_for_url("**/login/")
    page.fill("input[name=username]", "forgetful")
    page.fill("input[name=password]", "Another-Horse-77")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/mails/list/**")
    assert (watched.complaints, watched.foreign) == ([], [])
    assert "link=" not in panel.output()
    context.close()
