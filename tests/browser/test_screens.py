"""Every screen in a real browser: no console error, no failed request, nothing foreign, no serious fault of accessibility."""

import os
import pathlib

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Watched
from tests.servers.gunicorn import Mailkeep

SCREENS = {
    "list": "/mails/list/",
    "search": "/mails/list/?score.ge=5&sender.contains=e",
    "nothing": "/mails/list/?q=nobody@nowhere.example",
    "mistake": "/mails/list/?score.ge=many",
    "statistics": "/mails/statistics",
    "mail": "/mails/show/{mail}",
    "message": "/mails/{mail}/message",
    "source": "/mails/{mail}/source",
    "symbols": "/mails/symbols/{mail}",
    "related": "/mails/related/{mail}",
    "quarantine": "/quarantine/",
    "users": "/users/list/",
    "user": "/users/show/1",
    "add-user": "/users/add",
    "roles": "/roles/list/",
    "groups": "/groups/list/",
    "profile": "/users/userinfo/",
    "password": "/resetmypassword/form",
}
ERRORS = {"mistake"}


@pytest.fixture(scope="session")
def stored_mail(panel: Mailkeep) -> str:
    import sqlite3

    path = panel.settings["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT id FROM mail WHERE copy_state = 'stored' ORDER BY id DESC LIMIT 1 OFFSET 5").fetchone()
    return str(found[0])


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_sound(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object], stored_mail: str, name: str) -> None:
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 1366, "height": 900})  # type: ignore[arg-type]
    watched = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    page = watched.open(SCREENS[name].format(mail=stored_mail))
    page.evaluate("document.querySelectorAll('details.mk-more, details.mk-filters').forEach((each) => { each.open = true; })")
    page.wait_for_load_state("networkidle")
    faults = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += [f"{scheme}: {fault}" for fault in serious_faults(page)]
        keep_pictures(page, name, scheme)
    complaints = [text for text in watched.complaints if not (name in ERRORS and "400" in text)]
    context.close()
    assert (complaints, watched.foreign, faults) == ([], [], [])


def serious_faults(page: Page) -> list[str]:
    """What axe calls serious or critical, each with the first element it stands on."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]} {fault['nodes'][0].get('failureSummary', '')[:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def keep_pictures(page: Page, name: str, scheme: str) -> None:
    """For `make screenshots`."""
    if folder := os.environ.get("SCREENSHOTS"):
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=pathlib.Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)


def test_no_screen_is_wider_than_a_phone(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object], stored_mail: str) -> None:
    context = chromium.new_context(storage_state=logged_in, viewport={"width": 390, "height": 800})  # type: ignore[arg-type]
    page = context.new_page()
    wide = []
    for name in ("list", "search", "nothing", "statistics", "mail", "message", "source", "symbols", "related", "quarantine"):
        page.goto(f"http://127.0.0.1:{panel.port}{SCREENS[name].format(mail=stored_mail)}")
        page.wait_for_load_state("networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(name)
    context.close()
    assert wide == []


def test_the_login_is_sound(chromium: Browser, panel: Mailkeep) -> None:
    context = chromium.new_context()
    watched = Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    page = watched.open("/login/")
    assert serious_faults(page) == []
    assert (watched.complaints, watched.foreign) == ([], [])
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    assert page.locator(".mk-note.bad, .mk-note.warn").count() == 1
    context.close()
