"""One run of a job that is ours: renewed while it goes on, ended whatever it does, and told where that matters."""

import logging
import threading
import traceback
from datetime import timedelta

from flask import Flask

from app.clock import monotonic
from app.errors import MailkeepError
from app.jobs.lease import ENDED_AMIDST, LEASE, Lease, finish, hold, let_go, renew
from app.services.job import Job, LeaseLost, Report
from app.services.job_letters import tell

log = logging.getLogger(__name__)

RENEW_SECONDS = 4.0
_WORDS = {True: "failing", False: "well again"}


class Renewal:
    """A thread beside the job: what it waits for must not cost it the lease."""

    def __init__(self, app: Flask, lease: Lease, report: Report) -> None:
        self._app, self._lease, self._report = app, lease, report
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"lease of {lease.name}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _loop(self) -> None:
        renewed = monotonic()
        while not self._ended.wait(RENEW_SECONDS) and not self._report.is_lost:
            try:
                with self._app.app_context():
                    renew(self._lease, self._report)
                renewed = monotonic()
            except LeaseLost:
                self._report.is_lost = True
            except Exception as error:  # noqa: BLE001 - the database may be away: it is tried again
                log.warning("jobs: the lease of %s is not renewed: %s", self._lease.name, type(error).__name__)
                self._report.is_lost = timedelta(seconds=monotonic() - renewed) > LEASE


def run(app: Flask, job: Job, lease: Lease, report: Report) -> str:
    """In an app's context. Why it failed, or nothing."""
    error = ENDED_AMIDST if lease.is_doomed else ""
    report.hold = lambda: hold(lease)
    if not error:
        with Renewal(app, lease, report):
            error = _error_of(job, report)
    try:
        to_tell = finish(job, lease, report, error)
    except LeaseLost:
        log.warning("jobs: %s ran for longer than its lease; somebody else has taken over", lease.name)
        return "somebody else has taken over"
    if to_tell is not None:
        log.log(logging.ERROR if to_tell else logging.WARNING, "jobs: %s is %s: %s", lease.name, _WORDS[to_tell], error or report.words)
        tell(lease.name, error)
    elif error:
        log.warning("jobs: %s failed again: %s", lease.name, error)
    else:
        log.info("jobs: %s: %s", lease.name, report.words)
    return error


def _error_of(job: Job, report: Report) -> str:
    try:
        job.run(report)
    except LeaseLost:
        report.is_lost = True
        return "LeaseLost"
    except MailkeepError as error:
        return str(error) or type(error).__name__
    except Exception as error:  # noqa: BLE001 - whatever a job raises is how its run went
        report.say(traceback.format_exc())
        return f"{type(error).__name__}: {_first_line(error)}"
    finally:
        let_go()
    return ""


def _first_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
