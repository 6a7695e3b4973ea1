"""Programs read a stored mail, send it on, hear what became of it, and undo it: each as far as its owner may."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import PASSWORD, make_raw, make_user
from tests.releases import BOB, CAROL, releasing_app, sent, states, stored
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    make_user(app, "root")
    for name, role in (("bob", "Recipient"), ("auditor", "Auditor")):
        make_user(app, name, role)
    yield app
    close(app)


def call(app: Flask, who: str, method: str, path: str, **more: Any) -> Any:
    client: FlaskClient = app.test_client()
    return client.open(f"/api/v1/mail/{path}", method=method, auth=(who, PASSWORD), **more)


def test_a_mail_is_sent_on_and_its_state_is_told(app: Flask, relay: Relay) -> None:
    raw = make_raw()
    mail_id = stored(app, BOB, CAROL, raw=raw)
    answer = call(app, "root", "POST", f"{mail_id}/release", json={"to": [BOB], "now": True})
    assert (answer.status_code, [(row["to"], row["state"]) for row in answer.get_json()["result"]]) == (202, [(BOB, "waiting")])
    assert sent(app) == 1
    (row,) = call(app, "root", "GET", f"{mail_id}/releases").get_json()["result"]
    assert (row["to"], row["state"], row["asked_by"]) == (BOB, "sent", "root")
    assert bytes(relay.envelopes[0].content or b"").endswith(raw)
    again = call(app, "root", "POST", f"{mail_id}/release", json={"to": [BOB], "now": True})
    assert (again.status_code, again.get_json()["again"], again.get_json()["virus"]) == (409, [BOB], False)
    assert call(app, "root", "POST", f"{mail_id}/release", json={"to": [BOB], "sure": True}).status_code == 202


def test_it_is_undone_while_it_waits(app: Flask) -> None:
    mail_id = stored(app)
    (row,) = call(app, "bob", "POST", f"{mail_id}/release", json={"to": [BOB]}).get_json()["result"]
    assert call(app, "bob", "DELETE", f"{mail_id}/releases/{row['id']}").status_code == 200
    assert states(app, mail_id) == [(BOB, "cancelled")]
    assert call(app, "bob", "DELETE", f"{mail_id}/releases/{row['id']}").status_code == 409
    assert call(app, "bob", "DELETE", f"{mail_id}/releases/{row['id'] + 1}").status_code == 404


def test_each_may_what_they_may_in_the_browser(app: Flask) -> None:
    mail_id, foreign = stored(app, BOB, CAROL), stored(app, CAROL)
    assert call(app, "bob", "POST", f"{mail_id}/release", json={"to": [CAROL]}).status_code == 403
    assert call(app, "bob", "POST", f"{foreign}/release", json={"to": [BOB]}).status_code == 404
    assert call(app, "bob", "GET", f"{foreign}/raw").status_code == 404
    assert call(app, "auditor", "POST", f"{mail_id}/release", json={"to": [BOB]}).status_code == 403
    assert call(app, "auditor", "GET", f"{mail_id}/raw").status_code == 403
    assert states(app, mail_id) + states(app, foreign) == []
    call(app, "root", "POST", f"{mail_id}/release", json={"to": [BOB, CAROL]})
    assert [row["to"] for row in call(app, "bob", "GET", f"{mail_id}/releases").get_json()["result"]] == [BOB]


def test_the_stored_mail_comes_as_it_is(app: Flask) -> None:
    raw = b"Subject: odd\r\n\r\na\rb\nc\x00\xff\r\n.\r\n"
    mail_id = stored(app, raw=raw)
    answer = call(app, "root", "GET", f"{mail_id}/raw")
    assert (answer.data, answer.mimetype, answer.headers["Cache-Control"]) == (raw, "message/rfc822", "no-store")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"to": "bob@example.com"}', b'{"to": [1]}', b'{"to": []}', b"", b'{"to": ["not an address"]}']
)
def test_what_is_no_wish_is_refused(app: Flask, body: bytes) -> None:
    mail_id = stored(app)
    answer = call(app, "root", "POST", f"{mail_id}/release", data=body, content_type="application/json")
    assert (answer.status_code in (400, 403), bool(answer.get_json()["message"]), states(app, mail_id)) == (True, True, [])


def test_the_description_names_them(app: Flask) -> None:
    client = app.test_client()
    paths = client.get("/api/v1/_openapi", auth=("root", PASSWORD)).get_json()["paths"]
    for path, method in (("raw", "get"), ("release", "post"), ("releases", "get"), ("releases/{release_id}", "delete")):
        told = paths[f"/api/v1/mail/{{mail_id}}/{path}"][method]
        assert {"basic": []} in told["security"], path
