"""Mails that wait together: what one of them, or a slow disk, may cost the others."""

import threading
from typing import Any

import pytest
from flask import Flask

from app.errors import Unavailable
from app.services import prepare
from app.services.entry import Entry
from app.services.ticket import Outcome, Ticket
from app.storage.spool import Segment
from tests.servers.process import wait_for
from tests.services.test_intake import rows, send, start


def test_one_mail_that_cannot_be_prepared_refuses_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = start(app)
    real, outcomes, begun, gate = prepare.entry_of, {}, threading.Event(), threading.Event()

    def entry(ticket: Ticket, *ground: Any) -> Entry:
        begun.set()
        gate.wait(20)  # the first one holds the thread until the others wait behind it
        if ticket.received.report.subject == "poison":
            raise MemoryError
        return real(ticket, *ground)

    def work(subject: str) -> None:
        try:
            outcomes[subject] = send(intake, subject=subject)[0].outcome
        except Unavailable:
            outcomes[subject] = Outcome.FAILED

    monkeypatch.setattr("app.services.intake.entry_of", entry)
    threads = [threading.Thread(target=work, args=(subject,)) for subject in ("first", "one", "poison", "two")]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: intake._arrived.qsize() == 3, 10)
    gate.set()
    for thread in threads:
        thread.join()
    taken = Outcome.COMMITTED
    assert outcomes == {"first": taken, "one": taken, "poison": Outcome.FAILED, "two": taken}


def test_a_slow_journal_is_answered_as_soon_as_it_is_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the database has answered, too."""
    app.config["DB_PATIENCE_SECONDS"] = 0.01
    intake = start(app)
    append, commit, late = intake.journal.append, intake._commit, intake._watch._late
    answered = threading.Event()

    def slow_append(*arguments: Any) -> Segment:
        wait_for(lambda: len(late) == 1, 20)
        return append(*arguments)

    def slow_commit(tickets: list[Ticket]) -> None:
        assert answered.wait(10)
        commit(tickets)

    monkeypatch.setattr(intake.journal, "append", slow_append)
    monkeypatch.setattr(intake, "_commit", slow_commit)
    assert send(intake)[0].outcome is Outcome.SPOOLED
    answered.set()
    wait_for(lambda: len(rows(app)) == 1, 10)


def test_a_disk_that_hangs_is_not_waited_for_by_more_than_memory_holds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, goes_on = start(app), threading.Event()
    append = intake.journal.append
    monkeypatch.setattr(intake.journal, "append", lambda *given: goes_on.wait(20) and append(*given))
    monkeypatch.setattr("app.services.intake._MOST_WAITING", 3)
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(send(intake)[0].outcome)) for _ in range(4)]
    threads[0].start()
    wait_for(lambda: intake._watch._came.empty() and intake._arrived.empty(), 10)  # the first one is in hand
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: intake._arrived.qsize() == 3, 10)
    with pytest.raises(Unavailable, match="too many mails wait"):
        send(intake)
    goes_on.set()
    for thread in threads:
        thread.join(10)
    assert outcomes == [Outcome.COMMITTED] * 4
