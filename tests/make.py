"""Things the tests need: posts, mails in the database, people. Plain functions with defaults."""

import base64
import dataclasses
import itertools
import json
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.manager import SecurityManager

from app import roles
from app.actor import SYSTEM
from app.extensions import db
from app.ids import MailIds
from app.rspamd.report import Report
from app.services.entry import Entry, identity_of
from app.services.insert import insert_entries
from app.services.nodes import add

_numbers = itertools.count(1)
_ids = MailIds(1, 0)
PASSWORD = "Correct-Horse-99"
AUTHORIZATION = "Basic " + base64.b64encode(b"rspamd:secret").decode()


def make_node(app: Flask, name: str = "mx1", allow: str = "127.0.0.0/8") -> None:
    with app.app_context():
        add(name, "rspamd", "secret", [allow], actor=SYSTEM)


def make_raw(number: int | None = None, size: int = 200) -> bytes:
    number = next(_numbers) if number is None else number
    head = f"From: Sender <s{number}@example.net>\r\nTo: <bob@example.com>\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@example.net>\r\n\r\n"
    return head.encode() + b"x" * size + b"\r\n"


def make_headers(**changes: str) -> dict[str, str]:
    """A post in the default format; `changes` are X-Rspamd-* fields."""
    fields = {
        "user": "unknown",
        "qid": f"Q{next(_numbers)}",
        "ip": "198.51.100.7",
        "from": "s@example.net",
        "rcpt": '["bob@example.com"]',
        "subject": "Mail",
        "action": "reject",
        "score": "15.5",
        "symbols": '[{"name":"BAYES_SPAM","score":5.1,"options":["99%"]}]',
        "fuzzy": "[]",
        "scan_time": "12",
        "rspamd_server": "vm",
    } | changes
    return {"Authorization": AUTHORIZATION} | {f"X-Rspamd-{name}": value for name, value in fields.items()}


def post(
    client: FlaskClient, raw: bytes | None = None, path: str = "/ingest/mx1", headers: dict[str, str] | None = None, **changes: str
) -> Any:
    sent = make_headers(**changes) | (headers or {})
    return client.post(
        path, data=make_raw() if raw is None else raw, headers={k: v for k, v in sent.items() if v is not None}, content_type="text/plain"
    )


def make_entry(raw: bytes | None = None, *, keep: bool = False, **fields: Any) -> Entry:
    from app.storage.local import digest_of, pack

    number = next(_numbers)
    values: dict[str, Any] = {
        "queue_id": f"Q{number}",
        "message_id": f"{number}@example.net",
        "action": "reject",
        "score": 15.5,
        "ip": "198.51.100.7",
        "mail_from": "sender@example.net",
        "recipients": ("bob@example.com",),
        "subject": f"Mail {number}",
        "header_from": "Sender <sender@example.net>",
        "symbols": ({"name": "BAYES_SPAM", "score": 5.1},),
    }
    report = Report(**values | fields)
    raw = make_raw(number) if raw is None else raw
    digest = digest_of(raw)
    return Entry(
        id=_ids.next(),
        node="mx1",
        report=report,
        digest=digest,
        keep=keep,
        virus=None,
        identity=identity_of("mx1", report, digest, 1),
        earlier=identity_of("mx1", report, digest, 0),
        packed=pack(raw, 1) if keep else b"",
    )


def repeated(entry: Entry) -> Entry:
    """The same post once more, as it would be taken now."""
    return dataclasses.replace(entry, id=_ids.next())


def make_mails(app: Flask, count: int = 1, **fields: Any) -> list[int]:
    """Oldest first."""
    entries = [make_entry(**fields) for _ in range(count)]
    with app.app_context():
        insert_entries(db.engine, entries, "mx1")
    return [entry.id for entry in entries]


def make_user(app: Flask, name: str, role: str = "Admin") -> None:
    """NAME@example.com; with a role that is none of ours: one made here, who may do what a recipient may with the log."""
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        found = sm.find_role(role)
        if found is None:
            found = sm.add_role(role)
            for permission, view in roles.LOG:
                sm.add_permission_role(found, sm.find_permission_view_menu(permission, view))
        assert SecurityManager.add_user(sm, name, name, "Test", f"{name}@example.com", found, PASSWORD)  # no event that tests would see
        db.session.remove()


def login(app: Flask, name: str, role: str = "Admin") -> FlaskClient:
    """A browser in which this person is logged in; CSRF tokens are the business of `token()`."""
    make_user(app, name, role)
    client = app.test_client()
    fields = {"username": name, "password": PASSWORD}
    if app.config.get("WTF_CSRF_ENABLED", True):
        fields["csrf_token"] = token(client, "/login/")
    answer = client.post("/login/", data=fields)
    assert answer.status_code == 302, answer.data
    return client


def token(client: FlaskClient, path: str = "/no-such-page") -> str:
    """Of the smallest page there is, as a token is the session's."""
    page = client.get(path).get_data(as_text=True)
    marker = 'name="csrf_token"'
    start = page.index('value="', page.index(marker)) + 7
    return page[start : page.index('"', start)]


def as_json(**fields: Any) -> bytes:
    return json.dumps(
        {"rcpt": ["bob@example.com"], "from": "s@example.net", "action": "reject", "score": 15.5, "qid": f"Q{next(_numbers)}"} | fields
    ).encode()


def make_map(app: Flask, name: str, kind: str = "address_or_domain", part: str = "mail_from", **fields: Any) -> None:
    """One of a site's own; its symbol is its name."""
    from app.rspamd.map_kinds import MapKind, MapPart
    from app.services.maps import Definition, make_map

    values = {"title": name, "symbol": name.upper() if part != "none" else ""} | fields
    with app.app_context():
        make_map(Definition(name=name, kind=MapKind(kind), part=MapPart(part), **values), actor=SYSTEM)


def list_value(app: Flask, name: str, *values: str, **fields: Any) -> None:
    """Entries of a map, made by the site."""
    from app.queries.map_reach import EVERYTHING
    from app.queries.maps import map_called
    from app.rspamd.map_kinds import MapKind
    from app.rspamd.map_values import read_value
    from app.services.map_change import Wanted
    from app.services.map_entries import add_entry

    with app.app_context():
        for value in values:
            found = map_called(EVERYTHING, name)
            add_entry(EVERYTHING, found, Wanted(read_value(MapKind(found.kind), value), **fields), actor=SYSTEM)
