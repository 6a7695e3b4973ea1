"""In by a provider that others wrote, and out again, in a real browser; the login page with providers, and with one away."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.security.oidc import providers_file
from tests.servers import glewlwyd
from tests.servers.glewlwyd import Glewlwyd
from tests.servers.gunicorn import Mailkeep


@pytest.fixture(scope="module")
def provider() -> Iterator[Glewlwyd]:
    with Glewlwyd() as server:
        yield server


@pytest.fixture(scope="module")
def with_providers(provider: Glewlwyd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailkeep]:
    folder = tmp_path_factory.mktemp("providers")
    client = {"client_id": glewlwyd.CLIENT, "client_secret": glewlwyd.SECRET}
    staff = client | {"label": "Staff accounts", "issuer": provider.issuer, "addresses_verified": True}
    mailboxes = client | {"kind": "mailcow", "label": "the mailboxes of mail.example.com", "url": "https://127.0.0.1:1"}
    partners = client | {"label": "Partners", "issuer": "http://127.0.0.1:1"}
    file = providers_file(folder, staff=staff, mailboxes=mailboxes, partners=partners)
    settings = {"MAILKEEP_ADMIN_PASSWORD": PASSWORD, "LOGIN_RATE": "1000 per minute", "WORKERS": 1, "OIDC_FILE": file}
    server = Mailkeep(f"sqlite:///{folder}/mailkeep.db", **settings)
    with server.prepare():
        server.flask("mailkeep", "init")
        provider.furnish(f"http://127.0.0.1:{server.port}")
        yield server


@pytest.fixture
def visitor(chromium: Browser, with_providers: Mailkeep) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1366, "height": 900}, locale="en")
    yield Watched(context.new_page(), f"http://127.0.0.1:{with_providers.port}").watch()
    context.close()


def looks_sound(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert serious_faults(page) == []
        keep_pictures(page, name, scheme)
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1366, "height": 900})


def test_somebody_comes_in_and_leaves_here_and_there(visitor: Watched) -> None:
    page = visitor.open("/login/?next=/quarantine/")
    looks_sound(page, "login-providers")
    page.click("text=Sign in with Staff accounts")
    page.fill("#username", glewlwyd.PERSON)
    page.fill("#password", glewlwyd.PASSWORD)
    page.press("#password", "Enter")
    page.check("#grant-profile")
    page.check("#grant-email")
    page.click("text=Grant access")
    page.click("text=Continue")
    page.wait_for_url(f"{visitor.base}/quarantine/")
    expect(page.locator(".mk-me")).to_contain_text(glewlwyd.PERSON)
    page.goto(f"{visitor.base}/profile/")
    expect(page.locator("main")).to_contain_text("dave@example.com")
    page.click("text=Logout")
    page.click("button:has-text('Logout')")  # the provider asks once more
    expect(page.locator("body")).to_contain_text("You are disconnected")
    assert parse_qs(urlsplit(page.url).query)["callback_url"] == [f"{visitor.base}/login/"]
    page.goto(f"{visitor.base}/mails/list/")
    expect(page.locator("input[name=password]")).to_be_visible()
    page.click("text=Sign in with Staff accounts")
    expect(page.locator("#password")).to_be_visible()  # nobody is logged in there, either


def test_one_that_is_away_is_told_beside_the_others(visitor: Watched) -> None:
    page = visitor.open("/login/")
    page.click("text=Sign in with Partners")
    expect(page.locator(".mk-note.warn")).to_contain_text("Partners does not answer just now")
    looks_sound(page, "login-provider-away")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/mails/list/**")
    assert visitor.foreign == []
