"""flask jobs: what cron and an operator type."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.errors import Unavailable
from app.extensions import db
from app.jobs.lease import claim, ensure
from app.models import AuditEvent
from app.services.job import Report
from tests.jobs.cases import make_job, runs, state, use


def fail(report: Report) -> None:
    raise Unavailable("The disk is full.")


def run(runner: FlaskCliRunner, *arguments: str, code: int = 0) -> str:
    done = runner.invoke(args=("jobs", *arguments))
    assert (done.exit_code, "Traceback" in done.output) == (code, False), done.output
    return str(done.output)


def test_a_job_is_run_never_beside_another_and_says_how_it_went(app: Flask, runner: FlaskCliRunner) -> None:
    in_pieces = make_job("whole", run=lambda report: report.say("All of it." if report.whole else "A piece."), can_be_whole=True)
    use(app, make_job(can_be_dry=True), make_job("bad", run=fail), in_pieces)
    assert "tidy  every 15 minutes  has not run yet" in run(runner, "list")
    assert run(runner, "run", "tidy") == "Tidied up.\n"
    assert run(runner, "run", "tidy", "--dry-run") == "Tidied up.\n"
    assert "The disk is full." in run(runner, "run", "bad", code=1)
    assert "has no dry run" in run(runner, "run", "bad", "--dry-run", code=1)
    assert "does all there is in each run" in run(runner, "run", "tidy", "--all", code=1)
    assert run(runner, "run", "whole", "--all") == "All of it.\n"
    assert run(runner, "run", "whole") == "A piece.\n"
    assert "There is no job 'nothing': tidy, bad, whole" in run(runner, "run", "nothing", code=1)
    shown = run(runner, "list")
    assert ": Tidied up." in shown
    assert ": The disk is full." in shown
    with app.app_context():
        assert [each.dry for each in runs()] == [False, True]
        ensure(make_job(), "tidy")
        assert claim("tidy", asked_by="somebody else") is not None
    assert "tidy is running already" in run(runner, "run", "tidy", code=1)


def test_a_job_gets_a_schedule_and_a_pause(app: Flask, runner: FlaskCliRunner) -> None:
    use(app, make_job())
    assert "is no schedule" in run(runner, "schedule", "tidy", "soon", code=1)
    assert "tidy  daily at 03:30  next " in run(runner, "schedule", "tidy", "daily at 03:30")
    assert run(runner, "pause", "tidy") == "tidy is paused.\n"
    assert "  paused  " in run(runner, "list")
    assert "  next " in run(runner, "resume", "tidy")
    assert "no such job" in run(runner, "pause", "tidy@nowhere", code=1)
    with app.app_context():
        assert state().schedule == "daily at 03:30"
        assert db.session.query(AuditEvent).filter(AuditEvent.verb == "job.changed").count() == 3


@pytest.mark.parametrize("arguments", [("run",), ("schedule", "tidy")])
def test_what_is_missing_is_told(runner: FlaskCliRunner, arguments: tuple[str, ...]) -> None:
    assert "Missing argument" in run(runner, *arguments, code=2)
