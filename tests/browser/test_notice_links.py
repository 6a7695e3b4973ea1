"""The links of a letter in a real browser: pressed by somebody who reads, and followed by robots that press whatever they find."""

import sqlite3
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.apps import close, make_app
from tests.browser.conftest import Watched
from tests.browser.test_screens import keep_pictures, serious_faults
from tests.databases import driver_url
from tests.letter_links import letter, link, tell_everybody
from tests.servers.gunicorn import Mailkeep

LONG_ENOUGH = 2_100
"""Milliseconds, as somebody who reads takes at least."""
ACTS = ("release", "allow", "block", "report")
# Of a scanner's own: all that a script can do without anybody's hand, as patient as somebody who reads.
ROBOT = """setTimeout(() => {
    for (const form of document.forms) {
        form.querySelector('[value=yes]').click();
        const asked = fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).catch(() => {});
        asked.then(() => form.querySelector('button').click());
    }
}, 2200);"""


@pytest.fixture(scope="module")
def beside(panel: Mailkeep, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """What writes letters: with the panel's key and database."""
    folder = tmp_path_factory.mktemp("beside")
    more = {name: panel.settings[name] for name in ("SECRET_KEY", "PUBLIC_URL")}
    app = make_app(driver_url(panel.settings["DATABASE_URL"]), folder, **more)
    yield app
    close(app)


@pytest.fixture(scope="module")
def mails(panel: Mailkeep) -> list[tuple[int, str]]:
    """With whom each came to; nobody of them has an account. What the demo has depends on the hour, and of its domains not all speak English."""
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        return database.execute(
            "SELECT min(id), first_rcpt FROM mail WHERE copy_state = 'stored' AND has_virus = 0 AND direction = 'in' AND mime_from <> ''"
            " AND release_state = 'none' AND id NOT IN (SELECT mail_id FROM mail_request) AND first_rcpt LIKE '%@example.com'"
            " AND first_rcpt NOT IN (SELECT lower(email) FROM ab_user) GROUP BY first_rcpt ORDER BY 1 LIMIT 4"
        ).fetchall()


def links_to(app: Flask, panel: Mailkeep, mail: tuple[int, str]) -> dict[str, str]:
    tell_everybody(app, mail[1].rpartition("@")[2])
    notice = letter(app, f"address:{mail[1]}", mail[1], mail[0], address=mail[1])
    return {
        act: f"/notice{'/unsubscribe' * (act == 'unsubscribe')}?link={link(app, notice, mail[0], act)}" for act in (*ACTS, "unsubscribe")
    }


def done(panel: Mailkeep, mail: tuple[int, str]) -> tuple[int, int, int]:
    """Releases, requests, uses of links."""
    with sqlite3.connect(panel.settings["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        counts = (
            database.execute(f"SELECT count(*) FROM {table} WHERE mail_id = ?", (mail[0],))
            for table in ("mail_release", "mail_request", "notice_use")
        )
        return tuple(found.fetchone()[0] for found in counts)  # type: ignore[return-value]


def test_somebody_reads_and_presses(chromium: Browser, panel: Mailkeep, beside: Flask, mails: list[tuple[int, str]]) -> None:
    links = links_to(beside, panel, mails[0])
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    pages = {act: Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch() for act in links}
    for act, watched in pages.items():
        page = watched.open(links[act])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert serious_faults(page) == []
            keep_pictures(page, f"letter-{act}", scheme)
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    pages["release"].page.wait_for_timeout(LONG_ENOUGH)
    for act, watched in pages.items():
        page = watched.page
        if act != "unsubscribe":
            page.locator("input[value=yes]").check()
        page.get_by_role("button").click()
        page.get_by_role("heading", name="Done").wait_for()
        keep_pictures(page, f"letter-{act}-done", "light")
        assert (watched.complaints, watched.foreign) == ([], [])
    again = pages["release"].open(links["release"])
    assert again.get_by_role("heading", name="used already").count() == 1
    keep_pictures(again, "letter-used", "light")
    assert context.cookies() == []
    context.close()
    assert done(panel, mails[0]) == (1, 1, 4)
    assert "link=" not in panel.output()


def test_robots_press_nothing(chromium: Browser, panel: Mailkeep, beside: Flask, mails: list[tuple[int, str]]) -> None:
    """A script in the page, for as long as it likes; and hands that go through all that there is to press, at once and later."""
    scripted, eager, patient = mails[1:4]
    links = {each: links_to(beside, panel, each) for each in (scripted, eager, patient)}
    context, hands = chromium.new_context(), chromium.new_context()
    context.add_init_script(ROBOT)
    base = f"http://127.0.0.1:{panel.port}"
    for act in ("release", "block"):
        context.new_page().goto(base + links[scripted][act])
    waiting: list[Page] = []
    for act in ("release", "block"):
        page = hands.new_page()
        page.goto(base + links[eager][act])
        page.locator("input[value=yes]").check()
        page.get_by_role("button").click()  # nobody reads so fast
        page.wait_for_load_state()
        later = hands.new_page()
        later.goto(base + links[patient][act])
        waiting.append(later)
    context.pages[0].wait_for_timeout(LONG_ENOUGH + 900)
    for page in waiting:
        page.bring_to_front()
        for button in page.get_by_role("button").all():  # without an answer: the browser keeps the form
            button.click()
        for each in page.locator("input:visible").all():
            each.check()
        page.get_by_role("button").click()
        page.get_by_role("heading", name="Nothing was done").wait_for()
    context.close()
    hands.close()
    assert [done(panel, each) for each in (scripted, eager, patient)] == [(0, 0, 0)] * 3
