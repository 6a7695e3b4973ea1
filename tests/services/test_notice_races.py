"""Each is told once of each mail, whoever is killed in the middle of it, and however many do it at the same time."""

import multiprocessing
import os
import pathlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from app.extensions import db
from app.models import Mail, Notice, NoticeLine
from app.models.people import User
from app.services import notice_collect, notice_ends, notice_make, notice_sending, notices
from app.services.job import Report
from tests.apps import close
from tests.make import make_user
from tests.notices import BOB, CAROL, kept, later, letters, telling_app, text_of, told
from tests.servers.relay import Relay

fork: Any = multiprocessing.get_context("fork")


@pytest.fixture
def app(database: str, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = telling_app(database, tmp_path, relay.url)
    for name in ("bob", "carol"):
        make_user(app, name, "Recipient")
    yield app
    close(app)


def begun(app: Flask, work: Callable[[], object]) -> Any:
    """In a process of its own, with connections of its own."""

    def run() -> None:
        with app.app_context():
            db.engine.dispose(close=False)
            work()
            os._exit(0)

    process = fork.Process(target=run, daemon=True)
    process.start()
    return process


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_after(place: Any, name: str) -> None:
    real = getattr(place, name)

    def last(*given: Any, **named: Any) -> None:
        real(*given, **named)
        die()

    setattr(place, name, last)


STEPS: dict[str, Callable[[], None]] = {
    "lines are written, not committed": lambda: dies_after(notice_collect, "put"),
    "lines are committed": lambda: dies_after(notices, "collect"),
    "letters are written, not committed": lambda: dies_after(notice_make, "run"),
    "letters are committed": lambda: dies_after(notices, "make"),
    "what they need is read": lambda: dies_after(notice_sending, "next_letters"),
    "one is written": lambda: dies_after(notices, "write"),
    "one is claimed": lambda: dies_after(notice_ends.Ledger, "step_on"),
    "the relay has it, and has not answered": lambda: setattr(notice_sending.Round, "give", _gone_before_the_answer),
    "the relay has answered": lambda: dies_after(notice_sending.Round, "give"),
    "it is recorded with the claim of the next, not committed": lambda: _at_the_second(lambda ledger: _dies_at_commit(ledger)),
    "it is recorded with the claim of the next": lambda: _at_the_second(lambda _ledger: dies_after(notice_ends.Ledger, "_step_on")),
    "all are recorded, and their mails do not say so": lambda: setattr(notice_sending, "settle", die),
}
LOST = {
    "one is claimed",
    "the relay has it, and has not answered",
    "the relay has answered",
    "it is recorded with the claim of the next, not committed",
    "it is recorded with the claim of the next",
}
"""Died with one letter in their hands."""


def _at_the_second(prepare: Callable[[Any], object]) -> None:
    """Once there is an end to be recorded."""
    real = notice_ends.Ledger.step_on

    def step_on(self: Any, end: Any, *more: Any) -> bool:
        if end is not None:
            prepare(self)
        return real(self, end, *more)

    notice_ends.Ledger.step_on = step_on  # type: ignore[method-assign]


def _dies_at_commit(ledger: Any) -> None:
    event.listen(ledger._connection, "commit", die)


def _gone_before_the_answer(self: Any, raw: bytes, sender: str, recipient: str) -> None:
    from app.smtp import _Handing

    handing = _Handing()
    handing.open(self._ready(), raw, sender, recipient)
    self._session.send(b".\r\n")
    die()


def said(relay: Relay, app: Flask) -> Counter[tuple[str, str]]:
    """How often whom was told of what: each subject has a line of its own."""
    with app.app_context():
        subjects = [subject for (subject,) in db.session.query(Mail.subject)]
    letters = [(message["To"], text_of(message).replace("\u2060", "").splitlines()) for message in relay.messages]
    return Counter((to, subject) for to, shown in letters for subject in subjects if subject in shown)


def unknown(app: Flask) -> set[tuple[str, str]]:
    """Whom a letter that may have gone would have told of what."""
    with app.app_context():
        query = db.session.query(Notice.address, Mail.subject).filter(Notice.state == "unknown")
        query = query.join(NoticeLine, NoticeLine.notice_id == Notice.id).join(Mail, Mail.id == NoticeLine.mail_id)
        return {(to, subject) for to, subject in query}


def test_who_is_killed_in_between_tells_nobody_twice_and_forgets_nobody(app: Flask, relay: Relay) -> None:
    for number, (step, prepare) in enumerate(STEPS.items()):
        before = unknown(app)
        kept(app, BOB, CAROL, subject=f"Both {number}.")
        kept(app, CAROL, subject=f"One {number}.")
        due = {(BOB, f"Both {number}."), (CAROL, f"Both {number}."), (CAROL, f"One {number}.")}

        def work(prepare: Callable[[], None] = prepare) -> None:
            prepare()
            notices.run(Report())

        process = begun(app, work)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, step
        time.sleep(0.05)  # what the relay was sent last is still being taken
        told(app)
        later(app, minutes=11)
        told(app)
        counts, lost = said(relay, app), unknown(app) - before
        assert not [pair for pair, count in counts.items() if count > 1], step
        assert due <= set(counts) | lost, step
        assert len({to for to, _subject in lost}) == (step in LOST), step
    with app.app_context():  # and where a letter went, its mails say so in the end
        query = db.session.query(NoticeLine.mail_id).join(Notice, Notice.id == NoticeLine.notice_id).filter(Notice.state == "sent")
        assert {db.session.get_one(Mail, mail_id).notice_state for (mail_id,) in query} == {"sent"}
        assert db.session.query(Notice).filter(Notice.next_try_at.is_not(None)).count() == 0


def test_four_who_tell_at_once_tell_each_once(app: Flask, relay: Relay) -> None:
    """Without the lease that lets only one run: the database alone sees to it. Two of them are killed, wherever they are."""
    with app.app_context():
        assert db.session.query(User).count() == 2
    ids = [kept(app, BOB, CAROL, subject=f"Mail {number}.") for number in range(30)]

    def work() -> None:
        for _ in range(40):
            try:
                notices.run(Report())
            except Exception:
                db.session.rollback()
            time.sleep(0.01)

    processes = [begun(app, work) for _ in range(4)]
    ids += [kept(app, CAROL, BOB, subject=f"Mail {number}.") for number in range(30, 45)]
    for process in processes[:2]:
        time.sleep(random.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
    ids += [kept(app, BOB, subject=f"Mail {number}.") for number in range(45, 60)]
    for process in processes:
        process.join(60)
    for _ in range(2):
        told(app)
        later(app, minutes=11)
    told(app)
    counts, lost = said(relay, app), unknown(app)
    assert not [pair for pair, count in counts.items() if count > 1]
    wanted = {(to, f"Mail {number}.") for number in range(60) for to in ((BOB, CAROL) if number < 45 else (BOB,))}
    assert set(counts) | lost == wanted


def test_who_loses_the_database_in_between_goes_on_with_another_connection(
    app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers: list[Any] = []
    real, give = notice_ends.Ledger.__init__, notice_sending.Round.give
    monkeypatch.setattr(notice_ends.Ledger, "__init__", lambda self: (real(self), ledgers.append(self))[0])

    def cut(self: Any, *given: Any) -> Any:
        raw = ledgers[-1]._connection.connection.dbapi_connection
        match db.engine.dialect.name:
            case "mysql":
                db.session.execute(text(f"KILL {raw.thread_id()}"))
            case "postgresql":
                db.session.execute(text(f"SELECT pg_terminate_backend({raw.info.backend_pid})"))
        db.session.rollback()
        return give(self, *given)

    monkeypatch.setattr(notice_sending.Round, "give", cut)
    kept(app, BOB, CAROL)
    told(app)
    assert [state for _to, state, _mails in letters(app)] == ["sent", "sent"]
    assert len(relay.envelopes) == 2
