"""Mails that attack their reader, opened in a real browser: nothing runs, nothing is loaded from elsewhere, the page stays whole."""

import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.extensions import db
from app.services.insert import insert_entries
from app.storage import store_for
from tests.apps import close, make_app
from tests.browser.conftest import Watched
from tests.databases import driver_url
from tests.hostile import EVIL, corpus
from tests.make import make_entry
from tests.servers.gunicorn import Mailkeep

MAILS = corpus()


@pytest.fixture(scope="session")
def hostile(panel: Mailkeep) -> dict[str, int]:
    """Every mail of the corpus, stored as ingest would: what its headers say is in its row too."""
    app = make_app(driver_url(panel.settings["DATABASE_URL"]), panel.folder)
    ids = {}
    with app.app_context():
        store = store_for(panel.settings["STORE_URL"])
        for name, raw in MAILS.items():
            entry = make_entry(
                raw,
                keep=True,
                subject=f"<script>alert(1)</script> {name}"[:200],
                headers=raw[:3000].decode("utf-8", "replace").replace("\0", "\ufffd"),
            )
            entry = dataclasses.replace(entry, node="mx1")
            store.put(entry.digest or "", entry.packed)
            insert_entries(db.engine, [entry], "mx1")
            ids[name] = entry.id
    close(app)
    return ids


@pytest.fixture(scope="module")
def reader(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> Iterator[Watched]:
    context = chromium.new_context(storage_state=logged_in)  # type: ignore[arg-type]
    context.route(f"{EVIL}/**", lambda route: route.abort())
    yield Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    context.close()


def live_parts(page: Page) -> list[str]:
    """Handlers and script addresses in the page. (Nothing can be asked of the frame: it is sandboxed.)"""
    look = """() => [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes].filter((a) => a.name.startsWith('on')
        || /^\\s*(javascript|vbscript):/i.test(a.value)).map((a) => `${each.tagName} ${a.name}=${a.value}`))"""
    found: list[str] = page.evaluate(look)
    return found


# Each third on each change, all of them with `make test-long`; what their HTML becomes is looked at without a browser, too (tests/views/test_message).
NAMES = [pytest.param(name, marks=[] if number % 3 == 0 else [pytest.mark.long]) for number, name in enumerate(MAILS)]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_mail_does_nothing(reader: Watched, hostile: dict[str, int], name: str) -> None:
    reader.complaints.clear()
    reader.foreign.clear()
    page = reader.open(f"/mails/show/{hostile[name]}")
    address = page.url
    assert page.locator("header h1").inner_text().startswith("<script>alert(1)</script>")
    assert live_parts(page) == []
    frame = next((frame for frame in page.frames if frame.url.endswith("/html")), None)
    if frame is not None:
        document = reader.page.request.get(frame.url)
        text = document.text().lower()
        for piece in ("<script", "<iframe", "<form", "<svg", "<object", "<embed", "<link", "<meta http", "<base", "javascript:"):
            assert piece not in text.split("<body>", 1)[1], piece
        assert "sandbox" in document.headers["content-security-policy"]
        assert "default-src 'none'" in document.headers["content-security-policy"]
    assert page.url == address
    assert page.locator("#mk-main").is_visible()
    assert reader.complaints == []
    assert reader.foreign == []


def test_the_corpus_is_large_enough() -> None:
    assert len(MAILS) >= 60


def test_a_script_that_runs_and_a_picture_that_loads_would_be_seen(chromium: Browser) -> None:
    page = chromium.new_page()
    watched = Watched(page, "http://127.0.0.1:1").watch()
    page.set_content(
        f"<script>setTimeout(() => {{ throw new Error('broken') }})</script><script>alert(1)</script><img src='{EVIL}/x.gif'><p onclick='x'>"
    )
    page.wait_for_timeout(200)
    assert any("dialog" in text for text in watched.complaints)
    assert "pageerror: broken" in watched.complaints
    assert watched.foreign == [f"{EVIL}/x.gif"]
    assert live_parts(page) == ["P onclick=x"]
    page.close()


def test_the_frame_alone_would_stop_a_script(chromium: Browser) -> None:
    """The policy and the sandbox hold where the cleaning would fail."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from app.views.message import FRAME_POLICY

    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", FRAME_POLICY)
            self.end_headers()
            self.wfile.write(
                b"<body><script>alert(1)</script><img src=/x.gif onerror=alert(2)><link rel=stylesheet href=/x.css><b>shown</b>"
            )

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = chromium.new_page()
    watched = Watched(page, f"http://127.0.0.1:{server.server_port}").watch()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.wait_for_timeout(300)
    assert "shown" in page.content()
    assert [text for text in watched.complaints if "dialog" in text] == []
    assert set(asked) <= {"/", "/favicon.ico"}
    server.shutdown()
    server.server_close()
    page.close()
