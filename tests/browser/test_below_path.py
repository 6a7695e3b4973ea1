"""The panel below a path, behind the nginx we recommend, in a real browser: nothing is asked for beside it, and nothing is missing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.browser.test_screens import ERRORS, SCREENS, UNFOLD
from tests.servers.gunicorn import Mailkeep
from tests.servers.nginx import Nginx


@pytest.fixture(scope="module")
def below(panel: Mailkeep) -> Iterator[str]:
    """The same mails and accounts, from another process."""
    nginx = Nginx()
    url = f"http://127.0.0.1:{nginx.port}/mailkeep"
    shared = {name: panel.settings[name] for name in ("STORE_URL", "LOGIN_RATE")}
    server = Mailkeep(panel.settings["DATABASE_URL"], PUBLIC_URL=url, TRUSTED_PROXIES="127.0.0.1", ROLES="web", WORKERS=1, **shared)
    with server, nginx.begin_before(server.port):
        yield url


# Those with scripts and frames of their own; where links lead tests/views/test_below_path.py asks every page.
LOOKED_AT = (
    "list",
    "statistics",
    "mail",
    "message",
    "quarantine",
    "audit",
    "maps",
    "map",
    "new-entry",
    "new-map",
    "rspamd",
    "roles",
    "missing",
)


def test_screens_below_a_path(chromium: Browser, panel: Mailkeep, below: str, stored_mail: str) -> None:
    # An account of its own, since the language that it chooses stays with it.
    password = panel.flask("users", "add", "below", "below@example.com", "--role", "Admin").split()[-1]
    context = chromium.new_context(accept_downloads=True)
    watched = Watched(context.new_page(), below).watch()
    page = watched.open("/mails/list/?action.is=reject")
    page.fill("#username", "below")
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_url(f"{below}/mails/list/?action.is=reject")
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.__setitem__(answer.url, answer.status))
    for name in LOOKED_AT:
        page.goto(below + SCREENS[name].format(mail=stored_mail))
        page.evaluate(UNFOLD)
        if name in ("mail", "list"):
            page.wait_for_load_state("networkidle")
    page.goto(f"{below}/mails/list/")
    page.locator("#mk-statistics-link").click()
    expect(page.locator("#mk-statistics .mk-kv")).to_be_visible()
    with page.expect_response(re.compile("/mails/newer")):
        page.locator("#mk-live").check()
    page.locator("#mk-live").uncheck()
    with page.expect_download():
        page.get_by_role("link", name="CSV").click()
    page.goto(f"{below}/quarantine/")
    page.select_option("#mk-language", "de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.wait_for_url(f"{below}/quarantine/")
    expect(page.locator(".mk-side [aria-current]")).to_have_count(1)
    assert {cookie["name"]: cookie["path"].rstrip("/") for cookie in context.cookies()} == dict.fromkeys(
        ("session.mailkeep", "mk_language", "mk_zone"), "/mailkeep"
    )
    page.locator(".mk-me form button[type=submit]").last.click()
    page.wait_for_url(f"{below}/login/")
    context.close()
    missing = [url for url, status in answers.items() if status >= 400]
    assert [url.removeprefix(below) for url in missing] == [SCREENS[name] for name in LOOKED_AT if name in ERRORS]
    assert watched.foreign == []
    # What was left before it had come is no failure.
    complaints = [text for text in watched.complaints if not text.startswith("failed:")]
    assert [text for text in complaints if not any(error in text for error in ERRORS.values())] == []
