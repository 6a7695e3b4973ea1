"""The file of a copy goes when nothing refers to it, and never under a mail that is just being taken in; a crash at any point loses nothing."""

import pathlib
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app.errors import NotFound, Unavailable
from app.extensions import db
from app.jobs import deletions
from app.models import CopyRemoval, Extent, Mail
from app.queries.deletions import ANYTHING
from app.rspamd.report import Received
from app.services import copy_removal, deletion, keeper
from app.services.copies import raw_of
from app.services.insert import insert_entries
from app.services.keeper import Keeper
from app.services.ticket import Outcome
from app.storage import store_for
from app.storage.local import LocalStore
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import make_entry, make_node, make_raw
from tests.releases import ADMIN, stored

RAW = make_raw(4711)
DIGEST = make_entry(RAW).digest or ""


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, UNDO_SECONDS=0)
    yield app
    close(app)


def delete(app: Flask, mail_id: int, extent: Extent = Extent.COPY) -> None:
    with app.app_context():
        assert deletion.delete_due(only=[deletion.ask(ANYTHING, mail_id, extent, actor=ADMIN)]) == 1


def look(app: Flask, *, later: bool = False) -> int:
    with app.app_context():
        if later:
            for row in db.session.query(CopyRemoval):
                row.due_at -= copy_removal.GRACE + timedelta(seconds=1)
            db.session.commit()
        return copy_removal.remove_due()


def pending(app: Flask) -> int:
    with app.app_context():
        return db.session.query(CopyRemoval).count()


def store(app: Flask) -> LocalStore:
    return store_for(app.config["STORE_URL"])


def opens(app: Flask, mail_id: int) -> bool:
    with app.app_context():
        try:
            return raw_of(db.session.get(Mail, mail_id)) == RAW
        except NotFound:
            return False


def test_it_goes_after_a_second_look(app: Flask) -> None:
    delete(app, stored(app, raw=RAW), Extent.MAIL)
    assert store(app).is_in_place(DIGEST)
    assert (look(app), store(app).is_in_place(DIGEST), store(app).exists(DIGEST)) == (1, False, True)
    assert (look(app), store(app).exists(DIGEST)) == (0, True)
    assert (look(app, later=True), store(app).exists(DIGEST), pending(app)) == (1, False, 0)


def test_it_stays_for_another_mail_of_this_node_only(any_app: Flask) -> None:
    any_app.config["UNDO_SECONDS"] = 0
    first, second = stored(any_app, raw=RAW), stored(any_app, raw=RAW, queue_id="OTHER")
    delete(any_app, first)
    assert (look(any_app), opens(any_app, second), pending(any_app)) == (1, True, 0)
    assert store(any_app).is_in_place(DIGEST)
    with any_app.app_context():
        insert_entries(db.engine, [make_entry(RAW, keep=True, queue_id="ELSEWHERE")], "mx9")
    delete(any_app, second)
    assert [look(any_app, later=True) for _ in range(2)] == [1, 1]
    assert not store(any_app).exists(DIGEST)


def test_another_node_leaves_it_to_its_own(app: Flask) -> None:
    mail_id = stored(app, raw=RAW)
    with app.app_context():
        db.session.query(Mail).update({"copy_node": "mx9"})
        db.session.commit()
    delete(app, mail_id)
    assert (look(app), pending(app), store(app).is_in_place(DIGEST)) == (0, 1, True)


@pytest.mark.parametrize("puts_anew", [False, True])
def test_who_was_about_to_refer_to_it_gets_it_back(app: Flask, puts_anew: bool) -> None:
    delete(app, stored(app, raw=RAW))
    coming = make_entry(RAW, keep=True, queue_id="COMING")
    assert store(app).put(DIGEST, coming.packed) is False
    look(app)
    if puts_anew:
        assert store(app).put(DIGEST, coming.packed)
    with app.app_context():
        insert_entries(db.engine, [coming], app.config["NODE_NAME"])
    assert opens(app, coming.id)
    assert (look(app, later=True), opens(app, coming.id), store(app).is_in_place(DIGEST), pending(app)) == (1, True, True, 0)


def test_what_was_put_meanwhile_and_is_nobodys_goes_too(app: Flask) -> None:
    delete(app, stored(app, raw=RAW))
    look(app)
    store(app).put(DIGEST, make_entry(RAW, keep=True).packed)
    assert [look(app, later=True) for _ in range(3)] == [1, 1, 1]
    assert (store(app).exists(DIGEST), pending(app)) == (False, 0)


def test_a_second_deletion_begins_anew(any_app: Flask) -> None:
    any_app.config["UNDO_SECONDS"] = 0
    delete(any_app, stored(any_app, raw=RAW))
    look(any_app)
    second = stored(any_app, raw=RAW, queue_id="SECOND")
    delete(any_app, second)
    assert (pending(any_app), look(any_app), look(any_app)) == (1, 1, 0)
    assert (look(any_app, later=True), store(any_app).exists(DIGEST), pending(any_app)) == (1, False, 0)


class Crash(BaseException):
    """As a process that dies: nobody catches it, and its transaction is taken back."""


@pytest.mark.parametrize(("act", "before"), [("set_aside", 0), ("discard", 1), ("bring_back", 1)])
def test_who_dies_after_the_file_and_before_the_row_is_followed_by_the_next(
    app: Flask, monkeypatch: pytest.MonkeyPatch, act: str, before: int
) -> None:
    delete(app, stored(app, raw=RAW))
    for _ in range(before):
        look(app)
    kept = stored(app, raw=RAW, queue_id="KEPT") if act == "bring_back" else None
    real = getattr(LocalStore, act)

    def die(self: LocalStore, digest: str) -> None:
        real(self, digest)
        raise Crash

    monkeypatch.setattr(LocalStore, act, die)
    with pytest.raises(Crash):
        look(app, later=True)
    monkeypatch.setattr(LocalStore, act, real)
    assert pending(app) == 1
    while look(app, later=True):
        pass
    assert (pending(app), store(app).exists(DIGEST)) == (0, kept is not None)
    assert kept is None or opens(app, kept)


def test_a_store_that_fails_is_tried_again_and_keeps_back_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for raw in (RAW, make_raw()):
        delete(app, stored(app, raw=raw))
    real = LocalStore.set_aside

    def fail(self: LocalStore, digest: str) -> bool:
        if digest == DIGEST:
            raise OSError(5, "Input/output error")
        return real(self, digest)

    monkeypatch.setattr(LocalStore, "set_aside", fail)
    assert (look(app), look(app)) == (1, 0)
    monkeypatch.setattr(LocalStore, "set_aside", real)
    assert look(app, later=True) == 2


def test_the_keeper_finds_a_copy_that_went_before_its_row_came(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that took: the journal has the mail still."""
    monkeypatch.setattr(keeper, "_TICK_SECONDS", 3600.0)
    make_node(app)
    intake = app.extensions["mailkeep_intake"].get()
    ticks: Keeper = app.extensions["mailkeep_intake"]._keeper
    accepted = intake.accept("mx1", Received(make_entry(RAW).report, RAW))
    assert accepted.outcome is Outcome.COMMITTED
    store(app).delete(DIGEST)
    intake.journal.close_active()
    while intake.journal.slot.segments():  # the second thread may have it in hand for a moment still
        ticks.tick()
    assert opens(app, accepted.mail_id)


def test_the_same_mail_comes_again_and_again_while_it_is_deleted(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any grace, which is worse than it can get."""
    monkeypatch.setattr(copy_removal, "GRACE", timedelta(0))
    monkeypatch.setattr(deletions, "_SOON", timedelta(0))
    any_app.config["UNDO_SECONDS"] = 0
    make_node(any_app)
    intake = any_app.extensions["mailkeep_intake"].get()
    came: list[int] = []
    strange: list[Exception] = []
    ended = threading.Event()

    def send(name: str) -> None:
        try:
            for number in range(25):
                report = make_entry(RAW, queue_id=f"{name}{number}").report
                came.append(intake.accept("mx1", Received(report, RAW)).mail_id)
        except Exception as error:
            strange.append(error)

    def remove() -> None:
        try:
            while not ended.is_set() or came[::2] != gone:
                for mail_id in came[::2][len(gone) :]:
                    with any_app.app_context():
                        deletion.ask(ANYTHING, mail_id, Extent.COPY, at_once=True, actor=ADMIN)
                        deletions.run()
                    gone.append(mail_id)
        except Exception as error:
            strange.append(error)

    gone: list[int] = []
    senders = [threading.Thread(target=send, args=(name,)) for name in "ABC"]
    remover = threading.Thread(target=remove)
    for thread in (*senders, remover):
        thread.start()
    for thread in senders:
        thread.join()
    ended.set()
    remover.join()
    any_app.extensions["mailkeep_intake"].stop()
    assert (strange, len(came)) == ([], 75)
    assert [mail_id for mail_id in came if mail_id not in gone and not opens(any_app, mail_id)] == []


def test_a_store_that_says_nothing_is_asked_once_and_not_for_each_copy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(_store: LocalStore, digest: str) -> bool:
        asked.append(digest)
        raise Unavailable("The store does not answer.")

    for mail_id in (stored(app), stored(app)):
        delete(app, mail_id)
    monkeypatch.setattr(LocalStore, "set_aside", silent)
    assert (look(app), look(app), pending(app), len(asked)) == (0, 0, 2, 1)
