"""Jobs and a clock for tests of the scheduler."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.extensions import db
from app.models import JobRun, JobState
from app.queries import jobs as known
from app.services.job import Job, Report, Scope

NOON = datetime.fromisoformat("2026-03-03 12:00")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: datetime = NOON) -> None:
        self.now = now
        monkeypatch.setattr(known, "now", lambda: self.now)

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


def make_job(name: str = "tidy", schedule: str = "every 15 minutes", run: Callable[[Report], None] | None = None, **more: object) -> Job:
    scope = more.pop("scope", Scope.CLUSTER)
    return Job(name, scope, schedule, run or (lambda report: report.say("Tidied up.")), name, "Tidies up.", **more)  # type: ignore[arg-type]


def use(app: Flask, *jobs: Job) -> None:
    app.extensions["mailkeep_scheduler"].jobs = {job.name: job for job in jobs}


def look(app: Flask) -> None:
    """Once, as a process would; what it begins is ended when this is."""
    scheduler = app.extensions["mailkeep_scheduler"]
    scheduler.look()
    for thread in scheduler._running:
        thread.join()
    db.session.rollback()
    db.session.expire_all()


def state(name: str = "tidy") -> JobState:
    return db.session.get_one(JobState, name, populate_existing=True)


def runs(name: str = "tidy") -> list[JobRun]:
    return list(db.session.query(JobRun).filter(JobRun.name == name).order_by(JobRun.id).populate_existing())
