"""Which revision of a map each node has: noted beside the answers, and who is behind."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select

from app.clock import utcnow
from app.extensions import db
from app.models.maps import MapFetch
from app.queries.map_fetches import NodeFetch, node_fetches
from app.services import map_fetches
from tests.apps import close, make_app
from tests.make import AUTHORIZATION, make_node
from tests.maps import make_map, put

PATH = "/maps/spammers.txt"


def fetched(app: Flask, address: str = "127.0.0.1", method: str = "GET", **headers: str) -> str:
    """The tag of what was answered; all that is noted is written then."""
    app.extensions["mailkeep_maps"].fresh_seconds = 0.0
    sent = {"User-Agent": "rspamd-3.4", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = app.test_client().open(PATH, method=method, headers=sent, environ_base={"REMOTE_ADDR": address})
    assert answer.data or method == "HEAD" or answer.status_code == 304  # noted once all of it is read
    app.extensions["mailkeep_background"].wait()
    return answer.headers.get("ETag", "")


def rows(app: Flask) -> list[NodeFetch]:
    with app.app_context():
        return list(node_fetches())


def have(app: Flask) -> dict[str, int]:
    return {row.node: row.revision for row in rows(app)}


def test_each_fetch_tells_what_a_node_has(any_app: Flask) -> None:
    make_node(any_app)
    map_id = make_map(any_app, "spammers", "a.example")
    etag = fetched(any_app, method="HEAD")
    assert have(any_app) == {}  # it has asked, and has nothing yet
    fetched(any_app)
    [row] = rows(any_app)
    assert (row.node, row.revision, row.behind, row.is_stale, row.agent, row.ip) == ("mx1", 1, 0, False, "rspamd-3.4", "127.0.0.1")
    put(any_app, map_id, "b.example")
    fetched(any_app, method="HEAD", If_None_Match=etag)
    assert (have(any_app), rows(any_app)[0].behind) == ({"mx1": 1}, 1)
    fetched(any_app)
    assert have(any_app) == {"mx1": 2}


def test_an_unchanged_map_is_noted_too_once_a_minute(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_map(app, "spammers", "a.example")
    etag = fetched(app)
    written = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *of: written.append(of[2]) if "map_fetch" in of[2] else None)
    for _ in range(5):
        fetched(app, If_None_Match=etag)
    assert written == []
    monkeypatch.setattr(map_fetches, "_PAUSE_SECONDS", 0.0)
    with time_machine.travel(utcnow() + timedelta(seconds=90)):
        fetched(app, If_None_Match=etag)
        assert [statement.split()[0] for statement in written] == ["UPDATE"]
        assert rows(app)[0].seconds < 5


def test_what_another_process_has_noted_is_not_noted_again(app: Flask, tmp_path) -> None:
    make_map(app, "spammers", "a.example")
    etag = fetched(app)
    other = make_app(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    with time_machine.travel(utcnow() + timedelta(seconds=30)):
        fetched(other, If_None_Match=etag)
        assert rows(app)[0].seconds >= 29
    with time_machine.travel(utcnow() + timedelta(seconds=90)):
        other.extensions["mailkeep_map_fetches"]._known.clear()
        fetched(other, If_None_Match=etag)
        assert rows(app)[0].seconds < 5
    close(other)


def test_a_tag_that_is_not_ours_tells_nothing(app: Flask) -> None:
    make_map(app, "spammers", "a.example")
    for tags in ('"abc"', "*", f'"99-{"0" * 40}"', f'"{"9" * 400}-{"0" * 40}"', '"-1-x"'):
        fetched(app, method="HEAD", If_None_Match=tags)
    assert set(have(app).values()) <= {1}
    assert len(have(app)) <= 1


def test_who_fetches_has_a_name(app: Flask) -> None:
    make_map(app, "spammers", "a.example")
    make_node(app, "mx1", allow="10.0.0.0/8")
    make_node(app, "mx2", allow="10.1.0.0/16")
    for address in ("10.2.0.1", "10.1.0.1", "127.0.0.1", "::1"):
        fetched(app, address)
    assert set(have(app)) == {"mx1", "10.1.0.1", "127.0.0.1", "::1"}
    fetched(app, "10.1.0.2", Authorization=AUTHORIZATION)
    assert "10.1.0.2" not in have(app)


def test_who_does_not_ask_or_is_behind_for_long_stands_out(app: Flask) -> None:
    map_id = make_map(app, "spammers", "a.example")
    fetched(app)
    put(app, map_id, "b.example")
    assert [(row.behind, row.is_stale) for row in rows(app)] == [(1, False)]
    with time_machine.travel(utcnow() + timedelta(minutes=6)):
        put(app, map_id, "c.example")  # the one it lacks first is old
        assert [(row.behind, row.is_stale) for row in rows(app)] == [(2, True)]
        fetched(app)
        assert [(row.behind, row.is_stale) for row in rows(app)] == [(0, False)]
    with time_machine.travel(utcnow() + timedelta(minutes=17)):
        assert [(row.behind, row.is_stale) for row in rows(app)] == [(0, True)]
    with app.app_context():
        assert (len(node_fetches(map_id)), len(node_fetches(map_id + 1))) == (1, 0)


def test_a_note_that_cannot_be_written_is_nobodys_trouble(app: Flask) -> None:
    make_map(app, "spammers", "a.example")
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE map_fetch RENAME TO away"))
        db.session.commit()
    assert fetched(app)
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE away RENAME TO map_fetch"))
        db.session.commit()
    fetched(app)
    with app.app_context():
        assert db.session.scalars(select(MapFetch.revision)).all() == [1]


def test_strange_words_of_an_agent_are_kept_harmless(app: Flask) -> None:
    make_map(app, "spammers", "a.example")
    fetched(app, User_Agent="x\x01y\x00" + "z" * 500)
    assert rows(app)[0].agent == "x y " + "z" * 96
