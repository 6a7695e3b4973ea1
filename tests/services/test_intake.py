"""Accepted means safe: the database away, the disks full, a batch spoilt; what got a yes is there once."""

import dataclasses
import pathlib
import shutil
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select, text

from app.errors import Unavailable
from app.extensions import db
from app.models import Mail
from app.rspamd.report import Received
from app.services.intake import Intake
from app.services.ticket import Accepted, Outcome
from app.storage import store_for
from app.storage.local import digest_of
from tests.apps import close, make_app
from tests.make import make_entry, make_node, make_raw
from tests.servers.process import wait_for


def start(app: Flask) -> Intake:
    make_node(app)
    found: Intake = app.extensions["mailkeep_intake"].get()
    return found


def send(intake: Intake, raw: bytes | None = None, **fields: object) -> tuple[Accepted, bytes]:
    raw = make_raw() if raw is None else raw
    return intake.accept("mx1", Received(dataclasses.replace(make_entry(raw).report, **fields), raw)), raw


def rows(app: Flask) -> list[Mail]:
    with app.app_context():
        return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def segments(app: Flask) -> list[pathlib.Path]:
    return sorted(pathlib.Path(app.config["SPOOL_DIR"]).glob("[0-9][0-9]/*.seg"))


def break_database(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE mail RENAME TO mail_away"))


def mend_database(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE mail_away RENAME TO mail"))


def test_mails_are_spooled_while_the_database_is_away_and_come_in_once_in_order(any_app: Flask) -> None:
    intake = start(any_app)
    before, _ = send(intake)
    break_database(any_app)
    spooled = [send(intake) for _ in range(25)]
    assert {accepted.outcome for accepted, _ in spooled} == {Outcome.SPOOLED}
    mend_database(any_app)
    wait_for(lambda: len(rows(any_app)) == 26 and not intake.database_away, 20)
    after, _ = send(intake)
    assert after.outcome is Outcome.COMMITTED
    assert [mail.id for mail in rows(any_app)] == [before.mail_id, *[accepted.mail_id for accepted, _ in spooled], after.mail_id]
    store = store_for(any_app.config["STORE_URL"])
    for _, raw in spooled:
        assert store.open(digest_of(raw)).read() == raw


def test_a_mail_spooled_and_posted_again_is_one_mail(app: Flask) -> None:
    intake = start(app)
    break_database(app)
    raw = make_raw()
    for _ in range(3):
        send(intake, raw, queue_id="SAME")
    mend_database(app)
    wait_for(lambda: len(rows(app)) == 1 and not intake.database_away, 20)
    assert send(intake, raw, queue_id="SAME")[0].outcome is Outcome.DUPLICATE


def test_a_database_that_hangs_holds_nobody_up(sqlite_template, tmp_path) -> None:
    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, DB_PATIENCE_SECONDS=0.3, SPOOL_SEGMENT_SECONDS=0.5)
    intake = start(app)
    with app.app_context(), db.engine.connect().execution_options(writes=True) as blocker:
        transaction = blocker.begin()
        began = time.monotonic()
        outcomes = [send(intake)[0].outcome for _ in range(5)]
        assert time.monotonic() - began < 3
        assert outcomes == [Outcome.SPOOLED] * 5
        transaction.rollback()
    wait_for(lambda: len(rows(app)) == 5, 20)
    close(app)


def test_a_full_spool_disk_alone_loses_nothing_and_refuses_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = start(app)
    fail_writes(monkeypatch, "app.storage.spool.os.writev")
    accepted, raw = send(intake)
    assert accepted.outcome is Outcome.COMMITTED
    assert store_for(app.config["STORE_URL"]).open(digest_of(raw)).read() == raw
    assert segments(app) == []


def test_a_full_store_disk_alone_spools_until_there_is_room(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["SPOOL_SEGMENT_SECONDS"] = 0.5
    intake = start(app)
    fail_writes(monkeypatch, "app.storage.local.os.write")
    accepted, raw = send(intake)
    assert accepted.outcome is Outcome.SPOOLED
    assert rows(app) == []  # no row without its copy
    monkeypatch.undo()
    wait_for(lambda: len(rows(app)) == 1, 20)
    assert store_for(app.config["STORE_URL"]).open(digest_of(raw)).read() == raw


def test_no_disk_and_no_database_is_a_no_and_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = start(app)
    break_database(app)
    fail_writes(monkeypatch, "app.storage.spool.os.writev", "app.storage.local.os.write")
    with pytest.raises(Unavailable):
        send(intake)
    monkeypatch.undo()
    mend_database(app)
    assert segments(app) == []
    assert list(store_for(app.config["STORE_URL"]).scan()) == []
    assert list((tmp := pathlib.Path(app.config["STORE_URL"].removeprefix("file://")) / "tmp").iterdir()) == [], tmp
    wait_for(lambda: send(intake)[0].outcome in (Outcome.COMMITTED, Outcome.SPOOLED), 10)
    wait_for(lambda: len(rows(app)) >= 1, 10)


def fail_writes(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    for name in names:
        monkeypatch.setattr(name, full)


def test_one_row_the_database_refuses_is_set_aside_and_the_rest_comes_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.services import insert

    intake = start(app)
    real = insert.mail_row

    def spoilt(entry, *more):
        row = real(entry, *more)
        return row | {"score": object()} if entry.report.subject == "poison" else row

    monkeypatch.setattr(insert, "mail_row", spoilt)
    break_database(app)
    for subject in ("one", "poison", "two"):
        send(intake, subject=subject)
    mend_database(app)
    wait_for(lambda: len(rows(app)) == 2, 60)
    failed = pathlib.Path(app.config["SPOOL_DIR"]) / "failed"
    wait_for(lambda: len(list(failed.glob("*.seg"))) == 1, 10)
    assert [mail.subject for mail in rows(app)] == ["one", "two"]
    monkeypatch.undo()
    close(app)
    answer = app.test_cli_runner().invoke(args=["spool", "replay", "--failed"])
    assert "1 new" in answer.output
    assert [mail.subject for mail in rows(app)] == ["one", "poison", "two"]
    assert list(failed.glob("*.seg")) == []


def test_segments_go_once_all_is_safe(sqlite_template, tmp_path) -> None:
    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, SPOOL_SEGMENT_SECONDS=0.1)
    intake = start(app)
    for _ in range(10):
        send(intake)
    wait_for(lambda: segments(app) == [], 10)
    close(app)


def test_stopping_finishes_what_is_in_hand(app: Flask) -> None:
    intake = start(app)
    results: list[Accepted] = []
    threads = [threading.Thread(target=lambda: results.append(send(intake)[0])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close(app)
    assert {accepted.outcome for accepted in results} == {Outcome.COMMITTED}
    assert len(rows(app)) == 20
    assert segments(app) == []


def test_what_a_dead_process_left_is_replayed_by_the_next(app: Flask) -> None:
    from app.storage.spool import Journal, claim

    entries = [make_entry(keep=True) for _ in range(7)]
    slot = claim(app.config["SPOOL_DIR"])
    assert slot
    Journal(slot).append([entry.to_record() for entry in entries], [])
    slot.release()  # as the kernel does for a killed process
    start(app)
    wait_for(lambda: len(rows(app)) == 7 and not segments(app), 20)
    store = store_for(app.config["STORE_URL"])
    assert all(store.exists(entry.digest or "") for entry in entries)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 7


def test_a_copy_torn_by_a_power_cut_is_made_whole_by_the_replay(app: Flask) -> None:
    from app.services.insert import insert_entries
    from app.storage.spool import Journal, claim

    raw = make_raw()
    entry = make_entry(raw, keep=True)
    store = store_for(app.config["STORE_URL"])
    store.prepare()
    store.put(entry.digest or "", entry.packed)
    with app.app_context():
        insert_entries(db.engine, [entry], "mx1")
    slot = claim(app.config["SPOOL_DIR"])
    assert slot
    Journal(slot).append([entry.to_record()], [])
    slot.release()
    digest = entry.digest or ""
    (store.root / digest[:2] / digest[2] / digest).write_bytes(b"")
    start(app)
    wait_for(lambda: not segments(app), 20)
    assert store.open(digest).read() == raw
    assert len(rows(app)) == 1


def test_an_id_that_another_mail_has_gets_a_new_one_at_the_replay(app: Flask) -> None:
    from app.services.insert import insert_entries
    from app.storage.spool import Journal, claim

    first = make_entry()
    second = dataclasses.replace(make_entry(), id=first.id)
    with app.app_context():
        insert_entries(db.engine, [first], "mx1")
    slot = claim(app.config["SPOOL_DIR"])
    assert slot
    Journal(slot).append([second.to_record()], [])
    slot.release()
    start(app)
    wait_for(lambda: len(rows(app)) == 2, 60)
    assert {mail.identity for mail in rows(app)} == {first.identity, second.identity}


def test_who_comes_with_others_is_gathered_with_them_and_who_comes_alone_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    any_thing: Any = SimpleNamespace(batch_rows=3, patience=0)
    intake = Intake(create_engine("sqlite://"), any_thing, any_thing, any_thing, any_thing, any_thing)
    ticket: Any = SimpleNamespace(received=SimpleNamespace(raw=b""))
    naps: list[float] = []

    def arrive(count: int) -> None:
        for _ in range(count):
            intake._arrived.put(ticket)

    def nap(seconds: float) -> None:
        naps.append(seconds)
        arrive(1)

    monkeypatch.setattr("app.services.intake.time", SimpleNamespace(sleep=nap))
    arrive(2)
    assert (len(intake._gather()), len(naps)) == (2, 0)
    arrive(1)
    assert (len(intake._gather()), len(naps)) == (2, 1)
    arrive(4)
    assert (len(intake._gather()), len(naps)) == (3, 1)  # a full batch waits for nobody
    monkeypatch.setattr("app.services.intake.time", SimpleNamespace(sleep=naps.append))
    assert (len(intake._gather()), len(naps)) == (1, 2)
    arrive(1)
    assert (len(intake._gather()), len(naps)) == (1, 2)
