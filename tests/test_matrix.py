"""Who may open what: every route with every method, asked by everybody, of what is theirs and of what is not.

tests/matrix.txt is the table of what is expected; a route that is not in it fails, and so does an answer that differs. With WRITE_MATRIX=1
the table is written anew: read the difference before it is kept.
"""

import os
import pathlib
import shutil
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from app.extensions import db
from app.models import MapEntry, UserDomain
from app.models.people import User
from app.services.insert import insert_entries
from app.storage import store_for
from tests.letters import make_letter
from tests.make import list_value, login, make_entry, make_node, make_user, token

# What doors refuse, these walks would wait for as who guesses does.
pytestmark = pytest.mark.usefixtures("slept")


TABLE = pathlib.Path(__file__).with_name("matrix.txt")
COLUMNS = ("visitor", "recipient own", "recipient foreign", "domain admin theirs", "domain admin foreign", "auditor", "admin")
HEAD = f"{'route':52}" + "".join(f"{column:22}" for column in COLUMNS).rstrip()
WHO = {
    "visitor": ("", "foreign"),
    "recipient own": ("carol", "own"),
    "recipient foreign": ("carol", "foreign"),
    "domain admin theirs": ("chief", "own"),
    "domain admin foreign": ("chief", "foreign"),
    "auditor": ("watcher", "foreign"),
    "admin": ("root", "foreign"),
}
RAW = b"From: <eve@example.net>\r\nSubject: hi\r\nContent-Type: text/html\r\n\r\n<p>hello</p>"
# Machines have their own ways in, files are for everybody.
LEAD_HOME = ("UtilView", "LocaleView", "LoginView")
PAIRS = "mime_from_rcpt_to_whitelist"
LEFT_OUT = ("/static/", "/ingest/", "/api/metadata_importer")


class World:
    """Two mails, two people, and everybody logged in."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.config["UNDO_SECONDS"] = 3600  # nothing that was asked for is done while the database is put back
        self.clients = {"": app.test_client()}
        for name, role in (("root", "Admin"), ("carol", "Recipient"), ("chief", "Domain admin"), ("watcher", "Auditor")):
            self.clients[name] = login(app, name, role=role)
        make_user(app, "stranger", role="Recipient")
        make_node(app, "mx2")
        entries = [make_entry(RAW, keep=True, recipients=(address,)) for address in ("carol@example.com", "stranger@foreign.example")]
        with app.app_context():
            people = {user.username: user for user in db.session.scalars(select(User))}
            people["stranger"].email = "stranger@foreign.example"
            db.session.add(UserDomain(user_id=people["chief"].id, domain="example.com", created_at=people["chief"].created_on))
            self.people = {"own": people["carol"].id, "foreign": people["stranger"].id}
            db.session.commit()
            for entry in entries:
                store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
            insert_entries(db.engine, entries, "mx1")
        self.mails = {"own": entries[0].id, "foreign": entries[1].id}
        list_value(app, PAIRS, *(f"eve@example.net|{address}" for address in ("carol@example.com", "stranger@foreign.example")))
        with app.app_context():
            by_rcpt = {entry.rcpt: entry.id for entry in db.session.scalars(select(MapEntry))}
        self.pairs = {"own": by_rcpt["carol@example.com"], "foreign": by_rcpt["stranger@foreign.example"]}
        for whose, address in (("own", "carol@example.com"), ("foreign", "stranger@foreign.example")):
            make_letter(app, address, id=self.people[whose])
        self.tokens = {name: token(client, "/profile/" if name else "/login/") for name, client in self.clients.items()}
        self.file = pathlib.Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
        self._leave_database()
        shutil.copy(self.file, self.file.with_suffix(".kept"))
        self.written = self.file.stat().st_mtime_ns

    def restore(self) -> None:
        """Where something was written at all: most of who ask are refused."""
        log = pathlib.Path(f"{self.file}-wal")
        if self.file.stat().st_mtime_ns == self.written and not (log.exists() and log.stat().st_size):
            return
        self._leave_database()
        for suffix in ("-wal", "-shm"):
            pathlib.Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.file.with_suffix(".kept"), self.file)
        self.written = self.file.stat().st_mtime_ns

    def _leave_database(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def content(self) -> dict[str, list[tuple[object, ...]]]:
        """All but who has logged in, and what is kept of a session."""
        left_alone = [table for table in db.metadata.tables.values() if table.name not in ("login_session", "audit_event", "audit_head")]
        with self.app.app_context():
            return {table.name: [tuple(row) for row in db.session.execute(select(table))] for table in left_alone}

    def ask(self, rule: Rule, method: str, column: str) -> str:
        name, whose = WHO[column]
        path = path_of(rule, self.mails[whose], self.people[whose], self.pairs[whose])
        client: FlaskClient = self.clients[name]
        if method == "GET":
            answer = client.get(path)
        else:
            kept = client.get_cookie("session")
            answer = client.open(path, method=method, data={"csrf_token": self.tokens[name]})
            if kept:  # it may be another's eyes by now
                client.set_cookie("session", kept.value)
            self.restore()
        return meaning_of(answer.status_code, answer.location or "", rule.endpoint)


def path_of(rule: Rule, mail: int, person: int, pair: int) -> str:
    values: dict[str, object] = {
        "mail_id": mail,
        "index": 0,
        "user_id": person,
        "day": "2026-11-21",
        "locale": "de",
        "version": "v1",
        "search_id": 1,
        "name": PAIRS if rule.endpoint.startswith("Map") else "nothing",
        "entry_id": pair,
        "release_id": 1,
        "act": "release",
        "run_id": 1,
        "notice_id": person,  # the letter to them has their number
        "request_id": 1,
        "hold_id": 1,
        "lesson": "spam",
        "number": pair,  # each came with a revision
        "token": "nothing",
        "filename": "nothing",
        "slug": "digest",
        "domain": "example.com",
        "language": "en",
    }
    if rule.endpoint.startswith("Node"):
        values["number"] = 1
    values["pk"] = mail if rule.endpoint.startswith(("Mail", "Message")) else 1
    path = rule.rule
    for argument in rule.arguments:
        for shape in (f"<{argument}>", f"<int:{argument}>", f"<string:{argument}>"):
            path = path.replace(shape, str(values[argument]))
    return path


def meaning_of(status: int, location: str, endpoint: str) -> str:
    """yes: the door opens, whatever it then says of what was sent. no: refused, or led to the start, as FAB refuses."""
    if status == 302 and location == "/" and endpoint.startswith(LEAD_HOME):
        return "home"
    if status == 404:
        return "404"
    if status == 401 or (status == 302 and "/login/" in location):
        return "login"
    if status == 403 or (status == 302 and location == "/"):
        return "no"
    if status == 503 and endpoint == "LearningApi.rescan":  # there is no Rspamd here
        return "yes"
    return "500" if status >= 500 else "yes"


def doors(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if not rule.rule.startswith(LEFT_OUT):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def line_of(route: str, answers: list[str]) -> str:
    return f"{route:52}" + "".join(f"{answer:22}" for answer in answers).rstrip()


def test_everybody_may_what_the_table_says_and_nothing_else_and_no_get_changes_anything(app: Flask) -> None:
    world = World(app)
    before = world.content()
    # What comes after a logout would be asked by visitors.
    asked = [(rule, method) for rule, method in doors(app) if not rule.endpoint.endswith("static") and "logout" not in rule.rule]
    answers: dict[str, list[str]] = {}
    for rule, method in sorted(asked, key=lambda door: door[1] != "GET"):
        if method != "GET" and before:
            assert world.content() == before
            before = {}
            world.restore()
        answers[f"{method} {rule.rule}"] = [world.ask(rule, method, column) for column in COLUMNS]
    routes = [f"{method} {rule.rule}" for rule, method in asked]
    lines = [HEAD, *(line_of(route, answers[route]) for route in routes)]
    if os.environ.get("WRITE_MATRIX"):
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == TABLE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["root", "carol", "chief"])
def test_no_post_without_its_token_does_anything(app: Flask, name: str) -> None:
    world = World(app)
    for rule, method in doors(app):
        if method != "GET" and not rule.rule.startswith("/api/v1/security/"):
            path = path_of(rule, world.mails["own"], world.people["own"], world.pairs["own"])
            answer = world.clients[name].open(path, method=method, data={})
            assert answer.status_code in (302, 400, 403, 404, 405), (method, rule.rule)
            assert answer.status_code != 302 or "csrf" not in path
    with app.app_context():
        assert len(db.session.scalars(select(User)).all()) == 5
