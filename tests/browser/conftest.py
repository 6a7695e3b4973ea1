"""A real Chromium in front of a real gunicorn with the demo's mails: every page it opens must load without an error."""

import fcntl
import os
import pathlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.servers.gunicorn import Mailkeep
from tests.servers.process import need
from tests.servers.relay import Relay

PASSWORD = "Browser-Pass-4711"
UPLOAD = "waits-for-its-confirmation"
LINES = b"/^win big/i\n/^win big/i\n/unclosed (/i\nno slashes\n/(a+)+$/\n/unpaid parcel fee/i # seen again\n"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = need("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory, relay: Relay) -> Iterator[Mailkeep]:
    folder: pathlib.Path = tmp_path_factory.mktemp("panel")
    server = Mailkeep(f"sqlite:///{folder}/mailkeep.db", MAILKEEP_ADMIN_PASSWORD=PASSWORD, LOGIN_RATE="1000 per minute", WORKERS=1)
    # The relay is a thread of this process: where four of them share two cores it may be silent for long.
    server.settings |= {
        "SMTP_TIMEOUT": "60",
        "SMTP_URL": relay.url,
        "MAIL_FROM": "keep@example.com",
        "PUBLIC_URL": f"http://127.0.0.1:{server.port}",
    }
    fill(server, folder, tmp_path_factory.getbasetemp())
    with server:
        yield server


def fill(server: Mailkeep, folder: pathlib.Path, base: pathlib.Path) -> None:
    """With the demo's mails, which one worker makes and the others copy."""
    filled = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "filled"
    with filled.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not filled.exists():
            server.prepare()
            server.flask("mailkeep", "init")
            server.flask("demo", "fill", "--mails", "300", "--yes")
            made = filled.with_suffix(".made")
            shutil.copytree(folder, made / "database")
            shutil.copytree(server.folder, made / "files")
            made.rename(filled)
            return
    shutil.copytree(filled / "database", folder, dirs_exist_ok=True)
    shutil.copytree(filled / "files", server.folder, dirs_exist_ok=True)


@dataclass(slots=True)
class Watched:
    """A page, and what its browser complained of."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Requests to anywhere but the panel."""
    under_way: set[Request] = field(default_factory=set)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.base}{path}")
        return self.settle()

    def settle(self) -> Page:
        """Until nothing is under way, and nothing has begun for a while. (Playwright's own "networkidle" takes half a second each time.)"""
        quiet = 0
        while quiet < 3:
            self.page.wait_for_timeout(25)
            quiet = 0 if self.under_way else quiet + 1
        return self.page

    def watch(self) -> "Watched":
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(f"pageerror: {error}"))
        self.page.on("requestfailed", lambda request: self._failed(request))
        self.page.on("requestfailed", lambda request: self.under_way.discard(request))
        self.page.on("requestfinished", lambda request: self.under_way.discard(request))
        self.page.on("request", lambda request: None if request.url.startswith(("data:", "blob:")) else self.under_way.add(request))
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on(
            "request",
            lambda request: None if request.url.startswith((self.base, "data:", "blob:", "about:")) else self.foreign.append(request.url),
        )
        return self

    def _failed(self, request: Request) -> None:
        """A page that is left while a picture still comes gives it up: that is no failure."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}")


def log_in(context: BrowserContext, base: str) -> None:
    page = context.new_page()
    page.goto(f"{base}/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/mails/list/**")
    page.close()


@pytest.fixture(scope="session")
def logged_in(chromium: Browser, panel: Mailkeep) -> dict[str, object]:
    """Cookies and storage of an admin's browser."""
    base = f"http://127.0.0.1:{panel.port}"
    context = chromium.new_context()
    log_in(context, base)
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def admin(chromium: Browser, panel: Mailkeep, logged_in: dict[str, object]) -> Iterator[Watched]:
    context = chromium.new_context(storage_state=logged_in, accept_downloads=True)  # type: ignore[arg-type]
    yield Watched(context.new_page(), f"http://127.0.0.1:{panel.port}").watch()
    context.close()


@pytest.fixture(scope="session")
def stored_mail(panel: Mailkeep) -> str:
    """The id of one with a copy; a role, an address and a kept search are made too, which some screens show."""
    path = panel.settings["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO ab_role (id, name) VALUES (99, 'Help desk')")
        database.execute(
            "INSERT INTO user_address (user_id, address, source, created_at) VALUES (1, 'postmaster@example.com', 'admin', '2026-01-31')"
        )
        database.execute("INSERT INTO domain_alias (alias, domain, created_at) VALUES ('alias.example', 'example.com', '2026-01-31')")
        search = "INSERT INTO saved_search (user_id, name, query, shared, created_at) VALUES (1, 'Heavy', 'score.ge=20', 0, '2026-01-31')"
        database.execute(search)
        for number, (name, role, used) in enumerate((("Nightly report", "Auditor", "2026-01-31 03:00"), ("Grafana", "Admin", None))):
            key = (name, bytes([number]) * 32, f"mk_Zk7pQ2x{number}", role, used, b"\0" * 10 + b"\xff\xff\xc0\0\x02\x07" if used else None)
            database.execute(
                "INSERT INTO api_key (user_id, name, digest, prefix, role, made_at, last_used_at, last_ip)"
                " VALUES (1, ?, ?, ?, ?, '2026-01-30', ?, ?)",
                key,
            )
        keep_lists(database)
        keep_runs(database)
        keep_requests(database)
        keep_nodes(database)
        keep_jobs(database)
        found = database.execute("SELECT id FROM mail WHERE copy_state = 'stored' ORDER BY id DESC LIMIT 1 OFFSET 5").fetchone()
        keep_lessons(database, found[0])
    return str(found[0])


def keep_nodes(database: sqlite3.Connection) -> None:
    """One that is away, one that is nearly full and behind."""
    away = "api_url = 'http://127.0.0.1:9', api_allow = '127.0.0.0/8', seen_at = '2026-01-31 04:05:06', version = '0.1.0', disk_used = 400000000000, disk_free = 90000000000"
    full = "seen_at = datetime('now'), version = '0.1.0', disk_used = 97000000000, disk_free = 3000000000, spool_files = 7, spool_seconds = 300, last_mail_at = datetime('now')"
    for number, change in ((2, away), (3, full)):
        database.execute(f"UPDATE node SET {change} WHERE number = {number}")


def keep_jobs(database: sqlite3.Connection) -> None:
    """Of other nodes, which nobody here runs: one that runs, one that fails, one that is paused."""
    state = (
        "INSERT INTO job_state (name, schedule, paused, due_at, not_before, asked_by, holder, token, leased_until, done, total, last_began, last_ended,"
        " last_ok, last_words, last_error, failures, told) VALUES (?, '', ?, datetime('now', '+9 hours'), NULL, '', ?, 3, ?, ?, 400,"
        " '2026-01-31 04:10:00', '2026-01-31 04:11:12', '2026-01-31 04:11:12', 'The GeoIP database is 12 days old.', ?, ?, 0)"
    )
    old = "The GeoIP database /var/lib/GeoIP/GeoLite2-Country.mmdb is 71 days old: renew it, then start Mailkeep anew."
    database.execute(state, ("geoip@mx2", False, "", None, 0, old, 4))
    database.execute(state, ("geoip@mx3", False, "mx3 mx3:4711", "2099-01-31 04:10:00", 137, "", 0))
    database.execute(state, ("geoip@mx4", True, "", None, 0, "", 0))
    for number, (ok, words, asked_by) in enumerate(
        ((0, old, ""), (1, "The GeoIP database is 12 days old.", "command line: root"), (0, "", "")), 901
    ):
        database.execute(
            "INSERT INTO job_run (id, name, token, holder, asked_by, dry, due_at, began_at, ended_at, ok, words, log)"
            " VALUES (?, 'geoip@mx2', ?, 'mx2 mx2:4711', ?, 0, '2026-01-31 04:10:00', '2026-01-31 04:10:00', '2026-01-31 04:11:12', ?, ?, ?)",
            (number, 904 - number, asked_by, ok, words, f"I looked at the file.\n{words}"),
        )


def keep_lessons(database: sqlite3.Connection, mail_id: int) -> None:
    """Nodes whose Rspamd is known, what it was taught with a mail, and what it says of it today."""
    database.execute("UPDATE node SET controller_url = 'http://127.0.0.1:9'")
    for table in ("mail_lesson", "mail_rescan"):  # the demo's
        database.execute(f"DELETE FROM {table} WHERE mail_id = ?", (mail_id,))
    lesson = "INSERT INTO mail_lesson (mail_id, number, lesson, node, state, reply, asked_by, on_behalf_of, at)"
    told = (
        ("spam", "refused", "<a.rather.long.id.of.a.message.20260131@mail.example.net> contains less tokens than required: 7 < 11"),
        ("fuzzy-add", "done", "hashes: 2"),
        ("ham", "failed", "The controller at mx-a does not answer: Connection refused."),
    )
    for number, (what, state, reply) in enumerate(told, 1):
        values = (mail_id, number, what, state, reply)
        database.execute(f"{lesson} VALUES (?, ?, ?, 'mx-a', ?, ?, 'admin', '', '2026-01-31 04:05:06')", values)
    symbols = '[{"name": "BAYES_HAM", "score": -3.0}, {"name": "MIME_GOOD", "score": -0.1}, {"name": "A_RATHER_LONG_NAME_OF_A_SYMBOL", "score": 4.2}]'
    database.execute(
        "INSERT INTO mail_rescan (mail_id, number, node, version, action, score, symbols, asked_by, on_behalf_of, at)"
        " VALUES (?, 1, 'mx-a', '3.4', 'no action', 1.1, ?, 'admin', '', '2026-01-31 04:05:06')",
        (mail_id, symbols),
    )


def keep_lists(database: sqlite3.Connection) -> None:
    """Lines that wait for their confirmation, and nodes that have fetched maps, one of them long ago."""
    upload = "INSERT INTO map_upload (id, token, map_id, user_id, name, form, size, made_at) SELECT 1, ?, id, 1, '', 'text', ?, datetime('now') FROM map"
    database.execute(f"{upload} WHERE name = 'subject_patterns'", (UPLOAD, len(LINES)))
    database.execute("INSERT INTO map_upload_part (upload_id, number, data) VALUES (1, 0, ?)", (LINES,))
    for node, behind, asked in (("mx-a", 0, "datetime('now')"), ("mx-b", 1, "datetime('now')"), ("mx-c", 1, "'2026-01-31 04:05:06'")):
        database.execute(
            "INSERT INTO map_fetch (node, map_id, revision, etag, fetched_at, agent, ip)"
            f" SELECT ?, id, max(0, revision - ?), 'x', {asked}, 'rspamd-3.4', '192.0.2.10' FROM map WHERE revision > 0",
            (node, behind),
        )


def keep_runs(database: sqlite3.Connection) -> None:
    """Acts on many mails: one that has ended with something to tell of, and one that was cancelled."""
    for number, (state, done) in enumerate((("done", 118), ("cancelled", 7)), 901):
        values = (number, f"kept{number}", "release", '["viruses"]', '[["score.ge", "15"]]', state, 124, done, 5 if number == 901 else 0)
        database.execute(
            "INSERT INTO bulk_run (id, token, act, options, ids, search, zone, language, user_id, roles, asked_by, actor_id, on_behalf_of, ip,"
            " state, words, total, is_exact, done, skipped, failed, undone, upto, claimed_until, tries, asked_at, ended_at)"
            " VALUES (?, ?, ?, ?, '', ?, 'UTC', 'en', 1, '[]', 'admin', 1, '', '', ?, '', ?, 1, ?, ?, 1, 0, 1, '2026-01-31', 0, '2026-01-31', '2026-01-31')",
            values,
        )
    told = "SELECT 901, id, CASE WHEN has_virus THEN 'skipped' ELSE 'failed' END, CASE WHEN has_virus THEN 'A virus was found in it.' ELSE 'The stored copy is gone.' END, ''"
    database.execute(
        f"INSERT INTO bulk_result (run_id, mail_id, kind, words, undo) {told} FROM mail ORDER BY has_virus DESC, id DESC LIMIT 6"
    )


def keep_requests(database: sqlite3.Connection) -> None:
    """Two that wait, one of them for a mail that is gone; one that was denied, and one that was only told."""
    mails = database.execute("SELECT id, first_rcpt FROM mail WHERE copy_state = 'stored' ORDER BY id DESC LIMIT 3 OFFSET 5").fetchall()
    database.execute("DELETE FROM mail_request")  # the demo's
    rows = (
        (*mails[0], "release", "open", "A customer waits for this order.", "", ""),
        (7, "gone@example.com", "release", "open", "", "", ""),
        (*mails[1], "release", "denied", "", "admin", "This is phishing: the bank does not ask for your password."),
        (*mails[2], "wrong", "open", "The newsletter of our supplier.", "", ""),
    )
    for mail_id, address, asks, state, comment, decided_by, words in rows:
        database.execute(
            "INSERT INTO mail_request (mail_id, address, domain, asks, state, user_id, asked_by, asked_at, comment, decided_by, decided_at, words)"
            " VALUES (?, ?, 'example.com', ?, ?, 77, 'bob', datetime('now', '-1 hour'), ?, ?, iif(? = '', NULL, datetime('now')), ?)",
            (mail_id, address, asks, state, comment, decided_by, decided_by, words),
        )
