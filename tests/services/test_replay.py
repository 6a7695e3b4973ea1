"""A mail that the database chokes on keeps back no other, and a database that takes nothing loses none."""

import dataclasses
import pathlib

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from app.errors import BadRequest, Unavailable
from app.extensions import db
from app.ids import MailIds
from app.models import Mail
from app.services import spooled
from app.services.entry import Entry
from app.services.insert import insert_entries
from app.services.replay import replayer_of
from app.storage.spool import read, write_one
from tests.apps import close, make_app
from tests.databases import MariaDBCopies
from tests.make import make_entry
from tests.servers.mariadb import MariaDB


def segment(app: Flask, *entries: object) -> list[pathlib.Path]:
    folder = pathlib.Path(app.config["SPOOL_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for entry in entries:
        path = folder / f"{entry.id}.segment"  # type: ignore[attr-defined]
        write_one(path, entry.to_record())  # type: ignore[attr-defined]
        paths.append(path)
    return paths


def ids() -> set[int]:
    with db.engine.connect() as connection:
        return set(connection.execute(select(Mail.id)).scalars())


def test_a_row_too_large_for_mariadbs_packet_is_set_aside_and_the_rest_comes_in(
    mariadb: MariaDB, mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path
) -> None:
    mariadb.sql("SET GLOBAL max_allowed_packet = 1048576")
    app = make_app(mariadb_copies.make(tmp_path), tmp_path)
    try:
        with app.app_context():
            large = make_entry(headers="x" * 1_500_000)
            good = [make_entry() for _ in range(3)]
            replayer = replayer_of(app, MailIds(1, 5))
            result = [replayer.replay(path) for path in segment(app, good[0], large, *good[1:])]
            assert sum(each.committed for each in result) == 3
            assert sum(each.failed for each in result) == 1
            assert ids() == {entry.id for entry in good}
            assert [path.name.split(".")[0] for path in replayer.failed.iterdir()] == [str(large.id)]
    finally:
        close(app)
        mariadb.sql("SET GLOBAL max_allowed_packet = DEFAULT")


def test_a_database_that_comes_back_meanwhile_is_no_fault_of_the_mail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The insert fails with the dying server, the look at it finds the new one."""
    with app.app_context():
        entry = make_entry()
        [path] = segment(app, entry)
        replayer = replayer_of(app, MailIds(1, 5))
        from app.services import replay

        failures = [Unavailable("gone"), Unavailable("gone")]
        insert = replay.insert_entries

        def dying(*arguments: object) -> dict[int, int]:
            if failures:
                raise failures.pop()
            return insert(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(replay, "insert_entries", dying)
        result = replayer.replay(path)
        assert (result.committed, result.failed) == (1, 0)
        assert ids() == {entry.id}


def test_a_database_that_takes_no_row_at_all_sets_nothing_aside(app: Flask) -> None:
    with app.app_context():
        [path] = segment(app, make_entry())
        replayer = replayer_of(app, MailIds(1, 5))

        def refuse(_c: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT"):
                raise OperationalError(statement, {}, Exception("disk full"))

        event.listen(db.engine, "before_cursor_execute", refuse)
        with pytest.raises(Unavailable):
            replayer.replay(path)
        event.remove(db.engine, "before_cursor_execute", refuse)
        assert not replayer.failed.exists()
        assert replayer.replay(path).committed == 1


def refuse_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a database does that cannot store what is in a mail."""
    from app.services import replay

    def refused(*_: object) -> dict[int, int]:
        raise BadRequest("the database refuses the row")

    monkeypatch.setattr(replay, "insert_entries", refused)


def test_what_is_refused_again_stays_as_it_is(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        replayer = replayer_of(app, MailIds(1, 5))
        refuse_rows(monkeypatch)
        [path] = segment(app, make_entry())
        assert replayer.replay(path).failed == 1
        path.unlink()
        [apart] = replayer.failed.iterdir()
        before = apart.stat()
        for _ in range(2):
            assert spooled.replay_all(with_failed=True).failed == 1
        after = apart.stat()
        assert [apart] == list(replayer.failed.iterdir())
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_two_refused_mails_of_one_id_are_both_kept_and_each_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        replayer = replayer_of(app, MailIds(1, 5))
        refuse_rows(monkeypatch)
        first = make_entry()
        second = dataclasses.replace(make_entry(), id=first.id)
        for entry in (first, second, first):  # the last: a crash came before its segment could go
            [path] = segment(app, entry)
            assert replayer.replay(path).failed == 1
        kept = [record for path in replayer.failed.iterdir() for record in read(path)]
        assert sorted(record.head for record in kept) == sorted(entry.to_record().head for entry in (first, second))


def test_a_known_mail_under_the_id_of_another_is_not_counted_as_new(app: Flask) -> None:
    with app.app_context():
        other, known = make_entry(), make_entry()
        insert_entries(db.engine, [other, known], "mx1")
        [path] = segment(app, dataclasses.replace(known, id=other.id))
        result = replayer_of(app, MailIds(1, 5)).replay(path)
        assert (result.committed, result.known, result.failed) == (0, 1, 0)
        assert ids() == {other.id, known.id}


def test_a_mail_the_database_chokes_on_under_its_new_number_is_set_aside(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.services import replay

    with app.app_context():
        entry = make_entry()
        [path] = segment(app, entry)

        def choking(_engine: object, entries: list[Entry], _node: str) -> dict[int, int]:
            raise BadRequest("another mail's id") if entries[0].id == entry.id else Unavailable("the server hung up")

        monkeypatch.setattr(replay, "insert_entries", choking)
        assert replayer_of(app, MailIds(1, 5)).replay(path).failed == 1
