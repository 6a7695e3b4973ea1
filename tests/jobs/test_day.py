"""A day of some processes on one database, with a clock that is put forward and back, and holders that are killed in the middle."""

import multiprocessing
import os
import pathlib
import signal
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.jobs.lease import claim
from app.jobs.runner import run
from app.models import JobRun, JobState
from app.queries import jobs as known
from app.services.job import Report
from app.services.jobs import next_due
from tests.apps import close, make_app
from tests.databases import MariaDBCopies, SqliteCopies
from tests.jobs.cases import make_job, use

MIDNIGHT = datetime.fromisoformat("2026-03-03 00:00")
PATIENCE_SECONDS = 60
fork: Any = multiprocessing.get_context("fork")
JOBS = [
    make_job(name, schedule, run=lambda _: time.sleep(0.02))
    for name, schedule in (("hourly", "every hour"), ("second", "20 */2 * * *"), ("daily", "daily at 03:30"))
]
# From minute to minute: back by two hours, forward by three, and back by four.
DAY = [*range(7, 600, 39), *range(480, 900, 39), *range(1080, 1200, 39), *range(900, 1440, 39), 1440]
HOURS = [*range(7, 250, 39), *range(130, 360, 39), 360]


class Day:
    def __init__(self, app: Flask, processes: int) -> None:
        self.app = app
        self.seconds = fork.RawValue("q", 0)  # without a lock: who is killed would keep it
        self.looks = fork.RawValue("q", 0)
        """All of them look when it has grown, so that they race, and idle ones leave the machine to others."""
        self.overtaken = fork.RawArray("q", processes)
        """Of each process: how often it was as if it had slept through its lease, since another's death put the clock forward."""
        self.deaths = 0
        known.now = lambda: MIDNIGHT + timedelta(seconds=self.seconds.value)  # type: ignore[assignment]
        with app.app_context():
            app.extensions["mailkeep_scheduler"].ready()
            db.session.remove()
            db.engine.dispose()
        self.workers = [self._worker(number) for number in range(processes)]

    def _worker(self, number: int) -> Any:
        worker = fork.Process(target=self._work, args=(number,), daemon=True)
        worker.start()
        return worker

    def _work(self, number: int) -> None:
        scheduler = self.app.extensions["mailkeep_scheduler"]
        with self.app.app_context():
            db.engine.dispose(close=False)
            looked = -1
            while True:
                if looked == self.looks.value:
                    time.sleep(0.005)
                    continue
                looked = self.looks.value
                for job in scheduler.ready():
                    if lease := claim(job.name):
                        self.overtaken[number] += run(self.app, job, lease, Report()) == "somebody else has taken over"

    def go_to(self, minute: int, kills: bool) -> None:
        """Until nothing is due any more; with `kills` the first that is seen with a lease dies of it."""
        self.seconds.value = minute * 60
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            states = db.session.query(JobState).populate_existing().all()
            db.session.rollback()
            held = [state for state in states if state.leased_until is not None]
            if held and kills:
                kills = False
                self._kill(int(held[0].holder.rpartition(":")[2]))
                self.seconds.value += 26
                self.looks.value += 1
            elif not held and all(state.due_at > known.now() for state in states) and not self._is_too_far(states):
                return
            if not held:
                due = [state for state in states if state.due_at <= known.now()]
                # A job whose holders have died again and again is not begun again at once, and nothing else is to be done.
                if due and all(state.not_before and state.not_before > known.now() for state in due):
                    self.seconds.value += 60
                self.looks.value += 1
            time.sleep(0.01)
        raise AssertionError(f"still due at minute {minute}: {[(state.name, state.due_at, state.leased_until) for state in states]}")

    def _is_too_far(self, states: list[JobState]) -> bool:
        """Whether somebody has still to see that the clock was put back."""
        schedules = {job.name: job.schedule for job in JOBS}
        return any(next_due(state.name, schedules[state.name], known.now()) < state.due_at for state in states)

    def _kill(self, pid: int) -> None:
        number = next(number for number, worker in enumerate(self.workers) if worker.pid == pid)
        os.kill(pid, signal.SIGKILL)
        self.workers[number].join()
        self.deaths += 1
        self.workers[number] = self._worker(number)

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.join()


def test_in_some_hours_each_due_time_is_served_once(tmp_path: pathlib.Path, sqlite_copies: SqliteCopies, day_clock: None) -> None:
    is_served_once(sqlite_copies, tmp_path, 3, HOURS)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_in_a_day_each_due_time_is_served_once(request: pytest.FixtureRequest, kind: str, tmp_path: pathlib.Path, day_clock: None) -> None:
    is_served_once(request.getfixturevalue(f"{kind}_copies"), tmp_path, 8, DAY)


@pytest.fixture
def day_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back at the end."""
    monkeypatch.setattr(known, "now", known.now)


def is_served_once(copies: SqliteCopies | MariaDBCopies, folder: pathlib.Path, processes: int, minutes: list[int]) -> None:
    url = copies.make(folder)
    app = make_app(url, folder)
    use(app, *JOBS)
    day = Day(app, processes)
    try:
        with app.app_context():
            for step, minute in enumerate(minutes):
                day.go_to(minute, kills=step % 4 == 2)
            rows = db.session.query(JobRun).all()
    finally:
        day.end()
        close(app)
        copies.drop(url)
    end = max(minutes) + 1
    expected = {("hourly", minute): 1 for minute in range(60, end, 60)}
    expected |= {("second", minute): 1 for minute in range(20, end, 120)} | {("daily", 210): 1}
    table = Counter((row.name, int((row.due_at - MIDNIGHT).total_seconds()) // 60) for row in rows if row.ok)
    assert table == expected
    assert day.deaths >= len(minutes) // 10
    assert sum(not row.ok for row in rows) <= day.deaths + sum(day.overtaken)
    assert len({row.holder for row in rows}) >= 3
    assert Counter((row.name, row.token) for row in rows).most_common(1)[0][1] == 1
