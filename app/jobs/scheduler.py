"""Looks every few seconds which job is due, takes its lease, and runs it in a thread of its own."""

import logging
import threading
from collections.abc import Callable, Mapping

from flask import Flask, current_app

from app.clock import monotonic
from app.errors import Conflict, NotFound
from app.jobs.lease import Lease, claim, due_names, ensure, let_go, put_right, states
from app.jobs.registry import JOBS
from app.jobs.runner import run
from app.jobs.timer import Timer
from app.queries import jobs as known
from app.services.job import Job, Report
from app.services.schedule import read_schedule

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 3


class Scheduler(Timer):
    """In each process that has jobs: leases see to it that only one runs each."""

    name, trouble = "scheduler", "jobs: cannot look which are due"
    patience = 10.0

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.jobs: Mapping[str, Job] = JOBS
        self._running: list[threading.Thread] = []
        app.extensions["mailkeep_scheduler"] = self

    def is_wanted(self) -> bool:
        return bool(current_app.config["JOBS"])

    def look(self) -> float:
        self._running = [each for each in self._running if each.is_alive()]
        for job in self.ready():
            if len(self._running) >= _MOST_AT_ONCE or self.is_stopping():
                break
            if lease := claim(self.key(job)):
                thread = threading.Thread(target=self._run, args=(job, lease), name=f"job {job.name}", daemon=True)
                self._running.append(thread)
                thread.start()
        return self.pause

    def ready(self) -> list[Job]:
        """What is due here. What is new gets its row; what is too far off, its due time."""
        there, now, zone = states(), known.now(), current_app.config["JOBS_ZONE"]
        for job in self.jobs.values():
            if (name := self.key(job)) not in there:
                ensure(job, name)
            elif read_schedule(there[name].schedule or job.schedule, zone).after(now) < there[name].due_at:
                put_right(job, there[name], now)
        due = due_names(now)
        let_go()
        return [job for job in self.jobs.values() if self.key(job) in due]

    def stop(self) -> None:
        super().stop()
        end = monotonic() + self.patience
        for thread in self._running:
            thread.join(max(0.0, end - monotonic()))

    def run_here(
        self, name: str, asked_by: str, *, dry: bool = False, whole: bool = False, shown: Callable[[Report], object] = lambda _: None
    ) -> str:
        """At once, in the foreground, whatever its schedule says. Why it failed, or nothing."""
        job = self.job(name)
        if dry and not job.can_be_dry:
            raise Conflict(f"{job.name} has no dry run.")
        if whole and not job.can_be_whole:
            raise Conflict(f"{job.name} does all there is in each run.")
        lease = claim(self.prepare(job), asked_by=asked_by, dry=dry)
        if lease is None:
            raise Conflict(f"{job.name} is running already.")
        report = Report(dry=dry, whole=whole)
        report.shown = lambda: shown(report)
        return run(current_app._get_current_object(), job, lease, report)  # type: ignore[attr-defined]

    def job(self, name: str) -> Job:
        """Also of what it is called on a node."""
        found = self.jobs.get(name.partition("@")[0])
        if found is None:
            raise NotFound(f"There is no job {name[:100]!r}: {', '.join(self.jobs)}")
        return found

    def prepare(self, job: Job) -> str:
        """What it is called here, where it has a row by now."""
        ensure(job, self.key(job))
        return self.key(job)

    def key(self, job: Job) -> str:
        return job.key(self._app.config["NODE_NAME"])

    def _run(self, job: Job, lease: Lease) -> None:
        try:
            with self._app.app_context():
                run(self._app, job, lease, Report(is_stopping=self.is_stopping))
        except Exception:
            log.exception("jobs: %s: how it went could not be written", job.name)
