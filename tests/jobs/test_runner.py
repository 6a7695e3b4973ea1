"""How runs end: well, badly, stopped, dry; who is told; and what runs where."""

import logging
import threading

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.actor import SYSTEM
from app.errors import Conflict, Unavailable
from app.extensions import db
from app.jobs import runner as running
from app.jobs.lease import claim
from app.jobs.registry import JOBS
from app.services import jobs as service
from app.services.job import Report, Scope
from app.services.schedule import read_schedule
from tests.apps import close, make_app
from tests.jobs.cases import NOON, Clock, look, make_job, runs, state, use
from tests.make import make_user
from tests.servers.relay import Relay


def fails(report: Report) -> None:
    report.say("I begin.")
    raise Unavailable("The disk is full.")


def test_a_failing_job_backs_off_and_is_told_once_and_once_when_it_is_well(
    app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.config.update(SMTP_URL=relay.url, MAIL_FROM="keep@example.com")
    make_user(app, "root")
    make_user(app, "watcher", role="Auditor")
    pauses, broken = [], [True]
    job = make_job(run=lambda report: fails(report) if broken[0] else report.say("Done."))
    with app.app_context(), caplog.at_level(logging.INFO, "app.jobs.runner"):
        clock = Clock(monkeypatch)
        use(app, job)
        look(app)
        clock.move(minutes=15)
        for _ in range(9):
            look(app)
            look(app)
            pause = state().not_before - clock.now
            pauses.append(int(pause.total_seconds()) // 60)
            clock.now += pause
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert (state().failures, state().last_error, len(runs())) == (9, "The disk is full.", 9)
        assert {(run.ok, run.words, run.log) for run in runs()} == {(False, "The disk is full.", "I begin.")}
        broken[0] = False
        look(app)
        assert (state().failures, state().told, state().last_error, state().last_words) == (0, False, "", "Done.")
        assert runs()[-1].due_at == NOON.replace(minute=15)
        assert state().due_at > clock.now
    told = [(envelope.rcpt_tos, envelope.content) for envelope in relay.envelopes]
    assert [recipients for recipients, _ in told] == [["root@example.com"]] * 2
    assert b"The disk is full." in told[0][1]
    assert b"well again" in told[1][1]
    logged = [record.getMessage() for record in caplog.records]
    assert logged[0] == "jobs: tidy is failing: The disk is full."
    assert set(logged[1:-1]) == {"jobs: tidy failed again: The disk is full."}
    assert logged[-1] == "jobs: tidy is well again: Done."


def test_what_needs_something_that_is_away_waits_longer_each_time_and_does_not_fail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    away = [True]

    def work(report: Report) -> None:
        report.rests = away[0]
        report.say("The relay is away." if away[0] else "Done.")

    pauses = []
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, make_job(run=work))
        look(app)
        clock.move(minutes=15)
        for _ in range(6):
            look(app)
            look(app)
            pause = state().not_before - clock.now
            pauses.append(int(pause.total_seconds()) // 60)
            clock.now = max(state().not_before, state().due_at)
        assert (state().failures, state().last_error, {run.ok for run in runs()}) == (0, "", {True})
        away[0] = False
        look(app)
        assert (state().not_before, state().last_words) == (None, "Done.")
    assert pauses == [1, 2, 4, 8, 15, 15]


def test_an_unexpected_failure_of_a_job_harms_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, make_job("broken", run=lambda _: {}["no such thing"]), make_job())  # type: ignore[index]
        look(app)
        clock.move(minutes=15)
        look(app)
        assert state("broken").last_error == "KeyError: 'no such thing'"
        assert "Traceback" in runs("broken")[0].log
        assert state().last_ok == clock.now


def test_what_is_stopped_is_left_to_the_next_that_looks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def long(report: Report) -> None:
        begun.set()
        while not report.is_over():
            threading.Event().wait(0.01)

    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, make_job(run=long))
        look(app)
        clock.move(minutes=15)
        scheduler = app.extensions["mailkeep_scheduler"]
        scheduler.look()
        begun.wait()
        scheduler.stop()
        assert (state().leased_until, state().failures, state().due_at, runs()[0].ok) == (None, 0, NOON.replace(minute=15), False)
        assert claim("tidy") is not None


def test_a_run_whose_lease_is_lost_is_told_to_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "RENEW_SECONDS", 0.02)

    def outlives_it(report: Report) -> None:
        clock.move(minutes=1)
        other.append(claim("tidy", asked_by="somebody else"))
        while not report.is_over():
            threading.Event().wait(0.01)
        report.must_hold()

    with app.app_context():
        clock, other = Clock(monkeypatch), []
        job = make_job(run=outlives_it)
        use(app, job)
        monkeypatch.setattr(running, "renew", lambda lease, report: None if not other else renew(lease, report))
        said = app.extensions["mailkeep_scheduler"].run_here("tidy", "root")
        assert (said, state().token, state().leased_until) == ("somebody else has taken over", 2, other[0] and clock.now.replace(second=25))


def renew(*_: object) -> None:
    raise running.LeaseLost("tidy")


def test_a_dry_run_changes_nothing_of_the_job(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, make_job(run=lambda report: report.say("It would." if report.dry else "It did."), can_be_dry=True), make_job("wet"))
        scheduler = app.extensions["mailkeep_scheduler"]
        look(app)
        clock.move(minutes=20)
        assert scheduler.run_here("tidy", "root", dry=True) == ""
        assert (state().due_at, state().last_ok, runs()[0].words, runs()[0].due_at) == (NOON.replace(minute=15), None, "It would.", None)
        with pytest.raises(Conflict, match="no dry run"):
            scheduler.run_here("wet", "root", dry=True)
        look(app)
        assert state().last_words == "It did."


def test_a_job_of_each_node_runs_once_on_each(app: Flask, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_app(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path, NODE_NAME="mx2")
    clock = Clock(monkeypatch)
    for each in (app, other) * 2:
        use(each, make_job(scope=Scope.NODE), make_job("whole"))
        with each.app_context():
            look(each)
    clock.move(minutes=15)
    for each in (app, other) * 2:
        with each.app_context():
            look(each)
    with app.app_context():
        assert [len(runs(name)) for name in ("tidy@mx1", "tidy@mx2", "whole")] == [1, 1, 1]
        assert runs("tidy@mx2")[0].holder.startswith("mx2 ")
    close(other)


def test_a_pause_a_schedule_and_a_run_that_is_wanted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job()
    with app.app_context():
        clock = Clock(monkeypatch)
        use(app, job)
        look(app)
        service.set_paused(job, "tidy", True, actor=SYSTEM)
        clock.move(hours=2)
        look(app)
        assert runs() == []
        service.ask_for_run("tidy", actor=SYSTEM)
        look(app)
        look(app)
        assert [run.asked_by for run in runs()] == ["system"]
        service.set_paused(job, "tidy", False, actor=SYSTEM)
        look(app)
        assert (len(runs()), state().due_at) == (1, NOON.replace(hour=14, minute=15))
        service.set_schedule(job, "tidy", " Daily  at 03:30", actor=SYSTEM)
        assert (state().schedule, state().due_at) == ("daily at 03:30", NOON.replace(day=4, hour=3, minute=30))
        look(app)
        assert state().due_at == NOON.replace(day=4, hour=3, minute=30)
        service.set_schedule(job, "tidy", "", actor=SYSTEM)
        assert (state().schedule, state().due_at) == ("", NOON.replace(hour=14, minute=15))


def test_jobs_run_where_there_is_the_role_and_only_while_they_are_on(app: Flask) -> None:
    for roles, on, expected in ((["jobs"], True, True), (["web"], True, False), (["jobs"], False, False)):
        app.config.update(ROLES=roles, JOBS=on)
        scheduler = type(app.extensions["mailkeep_scheduler"])(app)
        use(app)
        scheduler.start()
        assert (scheduler._thread is not None) is expected
        scheduler.stop()
    with app.app_context(), pytest.raises(Conflict, match="flask jobs run tidy"):
        service.ask_for_run("tidy", actor=SYSTEM)


@pytest.mark.parametrize("name", JOBS)
def test_each_job_there_is_has_a_schedule_and_can_be_run(app: Flask, runner: FlaskCliRunner, name: str) -> None:
    read_schedule(JOBS[name].schedule, "UTC")
    done = runner.invoke(args=["jobs", "run", name])
    assert (done.exit_code, "Traceback" in done.output) == (0, False), done.output
    with app.app_context():
        assert runs(JOBS[name].key("mx1"))[0].ok is True
        db.session.rollback()
