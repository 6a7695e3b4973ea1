"""Deleting: all that is known of a mail or only its copy, by whom it is theirs, undone while it waits."""

import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.clock import stored_now
from app.errors import Conflict, NotAllowed, NotFound
from app.extensions import db
from app.models import OUTLIVE_A_MAIL, PARTS_OF_A_MAIL, AuditEvent, Deletion, Extent, Mail, MailDetail, MailRecipient
from app.queries.deletions import ANYTHING, NOTHING, Deleting
from app.services import deletion
from app.services.audit import verify
from app.services.copies import raw_of
from app.services.insert import insert_entries
from app.services.replay import replayer_of
from app.storage.spool import Journal, claim
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import _ids, make_entry
from tests.releases import ADMIN, BOB, CAROL, asked, releasing_app, sent, stored

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RELAY = "smtp://127.0.0.1:9"
# What a process does that is killed when all rows are gone and before the transaction's end.
_DIES = """
import os, pathlib, signal, sys
from app.services import deletion
from tests.releases import releasing_app
deletion.record = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
app = releasing_app(sys.argv[1], pathlib.Path(sys.argv[2]), "smtp://127.0.0.1:9")
with app.app_context():
    deletion.delete_due()
"""


@pytest.fixture
def url(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> str:
    return sqlite_copies.make(tmp_path)


@pytest.fixture
def app(url: str, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = releasing_app(url, tmp_path, RELAY)
    yield app
    close(app)


def ask(app: Flask, mail_id: int, extent: Extent = Extent.MAIL, deleting: Deleting = ANYTHING, **more: Any) -> int:
    with app.app_context():
        return deletion.ask(deleting, mail_id, extent, actor=ADMIN, **more)


def undo(app: Flask, mail_id: int, deleting: Deleting = ANYTHING) -> None:
    with app.app_context():
        deletion.undo(deleting, mail_id, actor=ADMIN)


def do(app: Flask) -> int:
    with app.app_context():
        return deletion.delete_due()


def counts(app: Flask, mail_id: int) -> dict[str, int]:
    """Rows of this mail by table, where there are any."""
    with app.app_context():
        tables = [Mail.__table__, *(table for table in db.metadata.sorted_tables if "mail_id" in table.columns)]
        found = {
            table.name: db.session.scalar(select(func.count()).where(table.c["mail_id" if "mail_id" in table.columns else "id"] == mail_id))
            for table in tables
        }
        return {name: count for name, count in found.items() if count}


def test_no_table_that_knows_a_mail_is_forgotten() -> None:
    there = {table.name for table in db.metadata.sorted_tables if "mail_id" in table.columns}
    assert there == {model.__tablename__ for model in (*PARTS_OF_A_MAIL, *OUTLIVE_A_MAIL)}


def test_all_that_is_known_of_a_mail_goes_and_the_trail_stays(any_app: Flask) -> None:
    any_app.config |= {"SMTP_URL": RELAY, "MAIL_FROM": "keep@example.com", "UNDO_SECONDS": 0, "RELEASE_TRIES": 1}
    mail_id, other = stored(any_app, BOB, CAROL), stored(any_app, BOB)
    asked(any_app, mail_id, BOB)
    sent(any_app)
    before = counts(any_app, other)
    assert counts(any_app, mail_id) == {"mail": 1, "mail_detail": 1, "mail_recipient": 2, "mail_release": 1}
    ask(any_app, mail_id)
    assert (do(any_app), do(any_app)) == (1, 0)
    assert counts(any_app, mail_id) == {"mail_deletion": 1}
    assert counts(any_app, other) == before
    with any_app.app_context():
        verbs = db.session.scalars(select(AuditEvent.verb).where(AuditEvent.target_id == str(mail_id)).order_by(AuditEvent.id)).all()
        assert verbs == ["mail.released", "mail.released", "mail.deleted", "mail.deleted"]
        assert verify() is None


def test_only_the_copy_goes(app: Flask) -> None:
    mail_id = stored(app)
    ask(app, mail_id, Extent.COPY)
    assert do(app) == 1
    with app.app_context():
        mail = db.session.get(Mail, mail_id)
        assert (mail.copy_state, db.session.get(MailDetail, mail_id) is not None) == ("deleted", True)
        with pytest.raises(NotFound):
            raw_of(mail)
    with pytest.raises(NotFound):
        ask(app, mail_id, Extent.COPY)
    ask(app, mail_id)
    assert do(app) == 1


def test_what_waits_is_undone_and_asked_for_again(app: Flask) -> None:
    app.config["UNDO_SECONDS"] = 3600
    mail_id = stored(app)
    ask(app, mail_id)
    with pytest.raises(Conflict):
        ask(app, mail_id, Extent.COPY)
    assert do(app) == 0
    undo(app, mail_id)
    with pytest.raises(Conflict):
        undo(app, mail_id)
    with app.app_context():
        db.session.query(Deletion).update({"due_at": stored_now() - timedelta(days=1)})
        db.session.commit()
    assert (do(app), counts(app, mail_id)["mail"]) == (0, 1)
    ask(app, mail_id, at_once=True)
    assert do(app) == 1


def test_nobody_deletes_or_keeps_what_is_not_theirs_to_delete(app: Flask) -> None:
    app.config["UNDO_SECONDS"] = 3600
    mail_id = stored(app, BOB, CAROL)
    with pytest.raises(NotAllowed):
        ask(app, mail_id, Extent.COPY, NOTHING)
    with pytest.raises(NotAllowed):
        ask(app, mail_id, Extent.MAIL, Deleting(copy=True))
    with pytest.raises(NotAllowed) as refused:
        ask(app, mail_id, Extent.COPY, Deleting(is_shared=True))
    assert CAROL not in str(refused.value)
    ask(app, mail_id)
    with pytest.raises(NotAllowed):
        undo(app, mail_id, Deleting(copy=True))


def test_a_release_stops_a_deletion_and_the_other_way_round(app: Flask) -> None:
    app.config["UNDO_SECONDS"] = 3600
    mail_id, other = stored(app), stored(app)
    asked(app, mail_id)
    for extent in Extent:
        with pytest.raises(Conflict):
            ask(app, mail_id, extent)
    ask(app, other, Extent.COPY)
    with pytest.raises(Conflict):
        asked(app, other)


def test_many_who_ask_undo_and_delete_at_once_come_to_one_end(any_app: Flask) -> None:
    any_app.config["UNDO_SECONDS"] = 0
    mail_id = stored(any_app)
    ready, strange = threading.Barrier(6), list[Exception]()

    def work(number: int) -> None:
        try:
            ready.wait()
            for act in (lambda: ask(any_app, mail_id), lambda: undo(any_app, mail_id) if number % 2 else do(any_app)):
                try:
                    act()
                except (Conflict, NotFound):
                    continue
        except Exception as error:
            strange.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    do(any_app)
    with any_app.app_context():
        done = db.session.query(Deletion).filter_by(state="done").count()
        steps = db.session.query(AuditEvent).filter(AuditEvent.verb == "mail.deleted", AuditEvent.after.contains('"done"')).count()
    assert (strange, done, steps) == ([], 1 - counts(any_app, mail_id).get("mail", 0), done)


def test_who_is_killed_in_between_leaves_all_of_it_for_the_next(app: Flask, url: str, tmp_path: pathlib.Path) -> None:
    mail_id = stored(app)
    ask(app, mail_id)
    ended = subprocess.run([sys.executable, "-c", _DIES, url, str(tmp_path)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert counts(app, mail_id) == {"mail": 1, "mail_detail": 1, "mail_recipient": 1, "mail_deletion": 1}
    with app.app_context():
        assert raw_of(db.session.get(Mail, mail_id))
    assert (do(app), counts(app, mail_id)) == (1, {"mail_deletion": 1})


def test_one_that_the_database_will_not_have_keeps_back_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = stored(app), stored(app)
    for mail_id in (first, second):
        ask(app, mail_id)
    real = deletion._delete_rows

    def refuse(mail: Mail) -> None:
        if mail.id == first:
            db.session.connection().exec_driver_sql("SELECT nothing FROM nowhere")
        real(mail)

    monkeypatch.setattr(deletion, "_delete_rows", refuse)
    assert (do(app), "mail" in counts(app, first), counts(app, second)) == (1, True, {"mail_deletion": 1})


def test_what_a_spool_still_holds_of_it_is_not_brought_in_again(app: Flask, tmp_path: pathlib.Path) -> None:
    entries = [make_entry(keep=True) for _ in range(3)]
    slot = claim(tmp_path / "left")
    assert slot is not None
    Journal(slot).append([entry.to_record() for entry in entries], [])
    with app.app_context():
        replayer = replayer_of(app, _ids)
        insert_entries(db.engine, entries[:2], "mx1")
    ask(app, entries[0].id)
    ask(app, entries[1].id, Extent.COPY)
    do(app)
    with app.app_context():
        replayer.replay(slot.segments()[0])
        kept = [replayer.store.exists(entry.digest or "") for entry in entries]
        there = set(db.session.scalars(select(MailRecipient.mail_id)))
    slot.release()
    assert (kept, there) == ([False, False, True], {entries[1].id, entries[2].id})
