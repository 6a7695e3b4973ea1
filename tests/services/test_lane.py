"""One connection for mails that follow each other, and a turn for each process on SQLite."""

import fcntl
import os
import pathlib
import threading

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, func, select, text

from app.extensions import db
from app.models import Mail
from app.services import lane
from app.services.insert import insert_entries
from app.services.lane import Lane
from tests.make import make_entry


def engine_of(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


def test_a_connection_stays_while_it_is_used_and_goes_with_an_error(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Lane(engine_of(any_app))
    with own.connect() as first:
        first.execute(text("SELECT 1"))
        assert first.in_transaction()
    assert not first.in_transaction()
    with own.connect() as second:
        assert second is first
    with pytest.raises(LookupError), own.connect():
        raise LookupError
    assert first.closed
    with own.connect() as third:
        assert third is not first
    monkeypatch.setattr(lane, "_STALE_SECONDS", -1.0)
    with own.connect() as fourth:
        assert fourth is not third
    own.close()
    assert fourth.closed


def test_a_connection_that_has_ended_meanwhile_is_no_database_that_is_away(any_app: Flask) -> None:
    engine = engine_of(any_app)
    own = Lane(engine)
    entries = [make_entry(), make_entry()]
    assert insert_entries(engine, entries[:1], "mx1", own.connect) == {entries[0].id: entries[0].id}
    with own.connect() as held:
        match engine.dialect.name:
            case "mysql":
                ended = f"KILL {held.scalar(text('SELECT CONNECTION_ID()'))}"
            case "postgresql":
                ended = f"SELECT pg_terminate_backend({held.scalar(text('SELECT pg_backend_pid()'))})"
            case _:
                return own.close()
    with engine.connect() as other:
        other.execute(text(ended))
    assert insert_entries(engine, entries[1:], "mx1", own.connect) == {entries[1].id: entries[1].id}
    own.close()
    with engine.connect() as other:
        assert other.scalar(select(func.count()).select_from(Mail)) == 2
    return None


def test_a_process_waits_for_its_turn_and_is_woken(tmp_path: pathlib.Path) -> None:
    own, came = Lane(create_engine(f"sqlite:///{tmp_path}/x.db")), threading.Event()
    other = os.open(tmp_path / "x.db-turn", os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)

    def work() -> None:
        with own.connect():
            came.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not came.wait(0.1)
    os.close(other)  # as where its process dies
    assert came.wait(10)
    thread.join()
    own.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:////proc/nowhere.db"])
def test_where_there_is_no_place_for_turns_nobody_waits(url: str) -> None:
    with lane._turn(lane._beside(create_engine(url))):
        pass
