"""Events at a syslog: each once it is committed, and none holds up whoever caused it."""

import json
import pathlib
import socket
from collections.abc import Iterator

import pytest
from flask import Flask

from app.actor import Actor
from app.extensions import db
from app.models import Verb
from app.queries.audit import last_events
from app.services.audit import record, recorded
from app.services.syslog import Syslog
from tests.apps import close, make_app
from tests.databases import SqliteCopies

CAROL = Actor("carol", 7, "192.0.2.1")


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(20)
        yield opened


def app_with(copies: SqliteCopies, folder: pathlib.Path, url: str) -> Flask:
    return make_app(copies.make(folder), folder, AUDIT_SYSLOG=url)


def test_what_is_committed_is_sent_and_nothing_else(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, receiver: socket.socket) -> None:
    app = app_with(sqlite_copies, tmp_path, f"udp://127.0.0.1:{receiver.getsockname()[1]}")
    with app.app_context():
        record(CAROL, Verb.LOGOUT, "account", "never")
        db.session.rollback()
        record(CAROL, Verb.LOGIN, "account", "carol", reason="two\nlines")
        record(CAROL, Verb.LOGIN, "account", "dave")
        db.session.commit()
        recorded(CAROL, Verb.LOGOUT, "account", "carol")
        events = last_events(3)
    lines = [receiver.recv(65_536).decode() for _ in range(3)]
    assert all(line.startswith("<86>1 2") and " mailkeep " in line and "\n" not in line for line in lines)
    told = [json.loads(line.partition(" audit - ")[2]) for line in lines]
    assert [(each["id"], each["target_id"], each["digest"]) for each in told] == [(e.id, e.target_id, e.digest) for e in events]
    close(app)


def test_the_socket_of_the_host_takes_them_too(tmp_path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "log"))
        opened.settimeout(20)
        Syslog(f"unix:{tmp_path}/log").send('{"id": 1}')
        line = opened.recv(65_536).decode()
    assert line.startswith("<86>mailkeep[")
    assert line.endswith(']: {"id": 1}')


def test_one_that_is_away_holds_nobody_up(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_with(sqlite_copies, tmp_path, f"unix:{tmp_path}/nobody")
    with app.app_context():
        for _ in range(3):
            recorded(CAROL, Verb.LOGIN, "account", "carol")
        app.extensions["mailkeep_syslog"].flush(20)
        assert len(last_events(9)) == 3
    assert len([record for record in caplog.records if "AUDIT_SYSLOG" in record.getMessage()]) == 1
    close(app)


def test_one_that_comes_back_gets_what_follows(tmp_path: pathlib.Path) -> None:
    syslog = Syslog(f"unix:{tmp_path}/log")
    syslog.send("lost")
    syslog.flush(20)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "log"))
        opened.settimeout(20)
        syslog.send("again")
        assert opened.recv(100).endswith(b": again")


def test_a_full_queue_drops_and_does_not_wait(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("app.services.syslog._WAITING", 2)
    monkeypatch.setattr(Syslog, "_work", lambda _self: None)
    syslog = Syslog("udp://127.0.0.1:9")
    for number in range(9):
        syslog.send(str(number))
    assert syslog._waiting.qsize() == 2
    assert "too many events wait" in caplog.text
