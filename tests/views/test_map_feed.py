"""GET and HEAD /maps/<name>.txt: what Rspamd gets, what tells it that nothing is new, and who gets nothing."""

import base64
import logging
from datetime import timedelta
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.clock import stored_now, utcnow
from app.extensions import db
from app.models import Node
from app.views.map_feed import is_same
from tests.apps import close, make_app
from tests.make import AUTHORIZATION, make_node
from tests.maps import end, make_map, put

PATH = "/maps/spammers.txt"
LATER = timedelta(seconds=2)


@pytest.fixture
def spammers(app: Flask) -> int:
    app.extensions["mailkeep_maps"].fresh_seconds = 0.0
    return make_map(app, "spammers", "b.example", "a@b.example", "ä.example")


def status(client: FlaskClient, path: str = PATH, address: str = "127.0.0.1", **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return int(client.get(path, headers=sent, environ_base={"REMOTE_ADDR": address}).status_code)


def test_a_map_is_its_entries_by_their_bytes(client: FlaskClient, spammers: int) -> None:
    answer = client.get(PATH)
    assert answer.get_data(as_text=True) == "# Mailkeep map spammers, revision 1\na@b.example\nb.example\nä.example\n"
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["ETag"].startswith('"1-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Authorization"
    assert answer.headers["Accept-Ranges"] == "none"


def test_a_head_says_how_long_the_text_is(client: FlaskClient, spammers: int) -> None:
    answer, head = client.get(PATH), client.head(PATH)
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(answer.data))
    assert head.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("path", [PATH, "/maps/nothing.txt"])
def test_rspamd_is_told_to_ask_again_in_fifteen_seconds(client: FlaskClient, spammers: int, path: str) -> None:
    for answer in (client.get(path), client.head(path), client.get(path, headers={"If-None-Match": "*"})):
        ahead = parsedate_to_datetime(answer.headers["Expires"]) - utcnow()
        assert 10 < ahead.total_seconds() <= 15


def test_only_what_is_new_is_sent(app: Flask, client: FlaskClient, spammers: int) -> None:
    etag = client.get(PATH).headers["ETag"]
    unchanged = client.get(PATH, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.data, unchanged.headers["ETag"]) == (304, b"", etag)
    end(app, spammers, "b.example")
    changed = client.get(PATH, headers={"If-None-Match": etag})
    assert (changed.status_code, b"\nb.example" in changed.data) == (200, False)


def test_several_tags_weak_ones_and_any(client: FlaskClient, spammers: int) -> None:
    etag = client.get(PATH).headers["ETag"]
    same = {etag, f"W/{etag}", f'"other", {etag}', f'"a,b" ,W/{etag},"c"', "*", " * "}
    other = {'"other"', etag.strip('"'), f'"{etag}"'.replace('""', '"x"'), "", "rubbish", '"', etag[:-2] + '"', '"*"'}
    assert {tags: status(client, If_None_Match=tags) for tags in same} == dict.fromkeys(same, 304)
    assert {tags: status(client, If_None_Match=tags) for tags in other} == dict.fromkeys(other, 200)


def test_a_date_counts_where_no_tag_is_sent(client: FlaskClient, spammers: int) -> None:
    with time_machine.travel(utcnow() + LATER, tick=False):
        modified = client.get(PATH).headers["Last-Modified"]
        at = parsedate_to_datetime(modified)
        rfc850 = at.strftime("%A, %d-%b-%y %H:%M:%S GMT")
        for date in (modified, rfc850, at.strftime("%a %b %e %H:%M:%S %Y"), formatdate(at.timestamp() + 60, usegmt=True)):
            assert status(client, If_Modified_Since=date) == 304, date
        for date in (formatdate(at.timestamp() - 1, usegmt=True), "yesterday", "", f"{modified}, {modified}"):
            assert status(client, If_Modified_Since=date) == 200, date
        assert status(client, If_Modified_Since=modified, If_None_Match='"other"') == 200


def test_two_changes_in_one_second_are_two(app: Flask, client: FlaskClient, spammers: int) -> None:
    with time_machine.travel(utcnow().replace(microsecond=100_000) + LATER, tick=False) as clock:
        put(app, spammers, "c.example")
        first = client.get(PATH)
        assert "Last-Modified" not in first.headers
        put(app, spammers, "d.example")
        clock.shift(1)
        again = client.get(PATH, headers={"If-Modified-Since": formatdate(utcnow().timestamp() - 1, usegmt=True)})
        assert b"d.example" in again.data


def test_an_entry_ends_with_its_time(app: Flask, client: FlaskClient, spammers: int) -> None:
    soon = stored_now().replace(microsecond=0) + timedelta(hours=1)
    put(app, spammers, "brief.example", expires_at=soon)
    put(app, spammers, "briefer.example", expires_at=soon - timedelta(minutes=30))
    before = client.get(PATH)
    assert before.data.count(b"brief") == 2
    with time_machine.travel(utcnow() + timedelta(minutes=45)):
        between = client.get(PATH, headers={"If-None-Match": before.headers["ETag"]})
        assert (between.data.count(b"brief.example"), between.data.count(b"briefer.example")) == (1, 0)
        assert parsedate_to_datetime(between.headers["Last-Modified"]) > parsedate_to_datetime(before.headers["Expires"])
    with time_machine.travel(utcnow() + timedelta(minutes=61)):
        assert b"brief" not in client.get(PATH).data


def test_what_does_not_count_is_not_there(app: Flask, client: FlaskClient, spammers: int) -> None:
    put(app, spammers, "off.example", enabled=False)
    put(app, spammers, "old.example", expires_at=stored_now() - timedelta(seconds=1))
    answer = client.get(PATH)
    assert b"off" not in answer.data
    assert b"old" not in answer.data


def test_a_disabled_map_is_an_empty_one(app: Flask, client: FlaskClient) -> None:
    make_map(app, "resting", "a.example", enabled=False)
    answer = client.get("/maps/resting.txt")
    assert answer.status_code == 200
    assert all(line.startswith(b"#") for line in answer.data.splitlines())


@pytest.mark.parametrize(
    "path",
    ["nothing.txt", "spammers", "spammers.txt.txt", "../../etc/passwd", "..%2f..%2fspammers.txt", "%00.txt", "spammers%00.txt", "%ff.txt",
     "ä.txt", ".txt", "", "spammers.txt/", "a/spammers.txt", "x" * 3000 + ".txt", "SPAMMERS.txt", "spammers.map", "spammers%0a.txt"],
)  # fmt: skip
def test_a_name_that_is_none_is_one_line(client: FlaskClient, spammers: int, path: str) -> None:
    answer = client.get(f"/maps/{path}")
    assert (answer.status_code, answer.mimetype, answer.text) == (404, "text/plain", "There is no such map.\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_else_can_be_done_here(client: FlaskClient, spammers: int, method: str) -> None:
    answer = client.open(PATH, method=method)
    assert (answer.status_code, answer.mimetype, answer.text.count("\n")) == (405, "text/plain", 1)


def test_a_map_that_is_gone_is_gone(app: Flask, client: FlaskClient, spammers: int) -> None:
    assert status(client) == 200
    with app.app_context():
        db.session.execute(db.text("DELETE FROM map WHERE name = 'spammers'"))
        db.session.commit()
    assert status(client) == 404


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_only_known_addresses_fetch(app: Flask, client: FlaskClient, spammers: int, caplog: pytest.LogCaptureFixture) -> None:
    make_node(app, "mx2", allow="10.0.0.0/8")
    assert [status(client, address=address) for address in ("127.0.0.9", "::1", "::ffff:127.0.0.1", "10.1.2.3")] == [200] * 4
    with caplog.at_level(logging.WARNING, "app.security.map_access"):
        answers = [client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"}) for path in (PATH, PATH, "/maps/nothing.txt")]
    assert {(answer.status_code, answer.text.count("\n"), answer.mimetype) for answer in answers} == {(403, 1, "text/plain")}
    assert caplog.text.count("203.0.113.9: ") == 1
    assert status(client, address="") == 403
    with app.app_context():
        db.session.execute(db.text("UPDATE node SET enabled = 0"))
        db.session.commit()
    app.extensions["mailkeep_nodes"].refresh(0)
    assert status(client, address="10.1.2.3") == 403


def test_a_proxy_nobody_named_is_not_who_asks(client: FlaskClient, spammers: int) -> None:
    assert status(client, X_Forwarded_For="203.0.113.9") == 403


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, 200),
        ({"Authorization": AUTHORIZATION}, 200),
        ({"Authorization": basic("rspamd", "wrong")}, 401),
        ({"Authorization": basic("nobody", "secret")}, 401),
        ({"Authorization": basic("", "")}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Bearer x"}, 401),
    ],
)
def test_a_password_that_is_sent_has_to_be_right(app: Flask, client: FlaskClient, spammers: int, sent: dict, expected: int) -> None:
    make_node(app)
    answer = client.get(PATH, headers=sent)
    assert answer.status_code == expected
    assert ("WWW-Authenticate" in answer.headers) == (expected == 401)


def test_a_password_can_be_asked_for(sqlite_copies, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, MAPS_AUTH=True)
    make_node(app)
    make_map(app)
    client = app.test_client()
    checked: list[Any] = []
    from app.security import machine

    real = machine.check_password_hash
    monkeypatch.setattr(machine, "check_password_hash", lambda *of: checked.append(of) or real(*of))
    assert status(client) == 401
    assert [status(client, Authorization=AUTHORIZATION) for _ in range(3)] == [200] * 3
    assert len(checked) == 1
    assert status(client, address="203.0.113.9", Authorization=AUTHORIZATION) == 403
    close(app)


@pytest.mark.parametrize(("roles", "expected"), [(("web",), 200), (("ingest",), 200), (("portal",), 404), (("jobs",), 404)])
def test_the_portal_has_no_maps(sqlite_copies, tmp_path, roles: tuple[str, ...], expected: int) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, ROLES=roles)
    make_map(app)
    assert status(app.test_client()) == expected
    other = app.test_client().post(PATH)
    assert (other.status_code, other.mimetype) == (405 if expected == 200 else 404, "text/plain")
    close(app)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_same_through_flask(app: Flask, client: FlaskClient, spammers: int, method: str) -> None:
    with time_machine.travel(utcnow(), tick=False):  # what is answered tells the second
        before = client.open(PATH, method=method)
        app.extensions["mailkeep_doors"].clear()
        through = client.open(PATH, method=method)
    assert (through.status_code, through.data) == (before.status_code, before.data)
    names = ("ETag", "Expires", "Content-Length", "Cache-Control", "Content-Type")
    assert [through.headers[name] for name in names] == [before.headers[name] for name in names]
    assert client.open(PATH, method=method, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    assert client.open("/maps/a/b.txt", method=method).mimetype == "text/plain"


def test_a_long_list_of_tags_costs_little(app: Flask, spammers: int) -> None:
    head = app.extensions["mailkeep_maps"].current("spammers").head
    assert not is_same(head, '"' * 900_000, None)
    assert not is_same(head, 'W/"' * 300_000, None)


def test_the_text_is_the_same_on_each_database(any_app: Flask) -> None:
    values = ["z.example", "Z.example", "a.example", "é.example", "ﬀ.example", "𝄞.example", "a-b.example", "a b", "a!b", "~", "0"]
    map_id = make_map(any_app, "spammers", *values, kind="text")
    put(any_app, map_id, "a!b", enabled=False)
    put(any_app, map_id, "brief", expires_at=stored_now() + timedelta(hours=1))
    end(any_app, map_id, "0")
    with any_app.app_context():
        db.session.execute(
            insert(Node).values(number=9, name="x", user="", password_hash="", allow="", enabled=True, created_at=stored_now())
        )
        db.session.commit()
    lines = any_app.test_client().get(PATH).get_data(as_text=True).splitlines()
    expected = sorted([*(value for value in values if value not in ("a!b", "0")), "brief"], key=str.encode)
    assert lines == ["# Mailkeep map spammers, revision 4", *(f'"{value}"' if " " in value else value for value in expected)]
