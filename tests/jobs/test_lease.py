"""Who runs a job: one at a time, on each database; whoever lost the lease changes nothing any more."""

import pytest
from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.jobs import lease as leases
from app.jobs.lease import claim, ensure, finish, hold, renew
from app.jobs.scheduler import Scheduler
from app.models import JobRun, NodeNonce
from app.queries import jobs as known
from app.services.job import LeaseLost, Report
from tests.jobs.cases import NOON, Clock, look, make_job, runs, state, use

JOB = make_job()


def test_a_lease_is_taken_once_and_its_token_only_grows(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with any_app.app_context():
        assert abs((known.now() - leases.known.now()).total_seconds()) < 5
        clock = Clock(monkeypatch)
        ensure(JOB, "tidy")
        ensure(JOB, "tidy")
        assert (state().due_at, claim("tidy")) == (NOON.replace(minute=15), None)
        clock.move(minutes=15)
        first = claim("tidy")
        assert first is not None
        assert (first.token, first.due_at, claim("tidy"), claim("tidy", asked_by="root")) == (1, NOON.replace(minute=15), None, None)
        report = Report()
        report.progress(3, 9)
        report.say("Under way.")
        clock.move(seconds=24)
        renew(first, report)
        clock.move(seconds=24)
        assert claim("tidy") is None
        assert (state().done, state().total, runs()[0].log) == (3, 9, "Under way.")
        assert finish(JOB, first, report) is None
        assert (state().due_at, state().last_words, claim("tidy")) == (NOON.replace(minute=30), "Under way.", None)
        assert (runs()[0].ok, runs()[0].due_at) == (True, NOON.replace(minute=15))


def test_another_takes_over_within_half_a_minute() -> None:
    assert leases.LEASE.total_seconds() + Scheduler.pause <= 30


def test_a_holder_that_wakes_after_another_took_over_changes_nothing(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with any_app.app_context():
        clock = Clock(monkeypatch)
        ensure(JOB, "tidy")
        clock.move(minutes=15)
        asleep = claim("tidy")
        clock.move(seconds=26)
        second = claim("tidy")
        assert asleep is not None
        assert second is not None
        assert (second.token, second.due_at) == (2, asleep.due_at)
        before = [(row.ok, row.words, row.log, row.ended_at) for row in runs()]
        old = Report()
        old.say("I have done much.")
        for late in (lambda: renew(asleep, old), lambda: finish(JOB, asleep, old), lambda: finish(JOB, asleep, old, "failed")):
            with pytest.raises(LeaseLost):
                late()
        db.session.add(NodeNonce(nonce="written by the job", node="mx1", expires_at=NOON))
        with pytest.raises(LeaseLost):
            hold(asleep)
        db.session.rollback()
        assert db.session.query(NodeNonce).count() == 0
        assert [(row.ok, row.words, row.log, row.ended_at) for row in runs()] == before
        assert (state().token, state().failures, state().due_at) == (2, 1, second.due_at)
        finish(JOB, second, Report())
        assert (state().failures, [row.ok for row in runs()], runs()[0].words) == (0, [False, True], leases.ENDED_AMIDST)


def test_what_was_missed_while_all_were_away_is_done_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, JOB)
        look(app)
        clock.move(hours=30, minutes=1)
        for _ in range(3):
            look(app)
        assert [run.due_at for run in runs()] == [NOON.replace(minute=15)]
        assert state().due_at == clock.now.replace(minute=15)


def test_a_clock_that_was_put_forward_and_back_stops_nothing_and_runs_nothing_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, JOB)
        look(app)
        clock.move(days=365)
        look(app)
        look(app)
        clock.move(days=-365, minutes=31)
        for _ in range(4):
            look(app)
            clock.move(minutes=5)
        assert [run.due_at for run in runs()] == [NOON.replace(minute=15), NOON.replace(minute=45)]
        clock.now = NOON
        for _ in range(15):
            look(app)
            clock.move(minutes=5)
        assert [run.due_at for run in runs()] == [NOON.replace(minute=minute) for minute in (15, 45, 30)] + [NOON.replace(hour=13)]


def test_a_lease_that_a_dead_one_took_in_the_future_holds_nobody_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, JOB)
        look(app)
        clock.move(days=365)
        assert claim("tidy") is not None
        clock.move(days=-365, minutes=16)
        look(app)
        assert [run.ok for run in runs()] == [False, True]


def test_a_job_that_kills_its_process_each_time_is_not_begun_for_ever(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        ensure(JOB, "tidy")
        clock.move(minutes=15)
        found = []
        for _ in range(5):
            found.append(claim("tidy"))
            clock.move(seconds=26)
        assert [lease is not None and lease.is_doomed for lease in found] == [False, False, False, True, True]
        use(app, JOB)
        look(app)
        assert (state().last_error, state().told, claim("tidy")) == (leases.ENDED_AMIDST, True, None)
        assert [(run.ok, run.words) for run in runs()] == [(False, leases.ENDED_AMIDST)] * 3
        assert (state().failures, runs()[-1].token, runs()[-1].ended_at) == (5, state().token, clock.now)


def test_only_the_last_runs_are_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "KEPT_RUNS", 3)
    with app.app_context():
        Clock(monkeypatch)
        use(app, JOB)
        for _ in range(6):
            assert app.extensions["mailkeep_scheduler"].run_here("tidy", "root") == ""
        assert [run.token for run in runs()] == [4, 5, 6]
        db.session.execute(delete(JobRun))
        db.session.commit()
