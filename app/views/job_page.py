"""What the screens of jobs show: how each stands, as a mark and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.models import JobRun, JobState
from app.services.job import Job

# Tone, icon, word.
_RUNNING = ("wait", "fa-cog", _l("running"))
_ASKED = ("wait", "fa-clock-o", _l("about to run"))
_ENDED_AMIDST = ("bad", "fa-chain-broken", _l("its process has ended"))
_FAILING = ("bad", "fa-exclamation-triangle", _l("failing"))
_PAUSED = ("warn", "fa-pause", _l("paused"))
_WAITS = ("wait", "fa-hourglass-half", _l("waits"))
_OVERDUE = ("warn", "fa-hourglass-end", _l("overdue"))
_WELL = ("good", "fa-check", _l("well"))
_NEW = ("plain", "fa-circle-o", _l("has not run yet"))
_STOPPED = ("plain", "fa-stop", _l("stopped"))
_DONE = ("good", "fa-check", _l("done"))
_FAILED = ("bad", "fa-ban", _l("failed"))
_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Row:
    job: Job
    state: JobState | None
    mark: tuple[str, str, Any]
    why: str = ""
    took: str = ""
    next_at: datetime | None = None
    is_running: bool = False

    @property
    def goes_on(self) -> bool:
        return self.is_running or bool(self.state and self.state.asked_by)

    @property
    def name(self) -> str:
        return self.state.name if self.state else self.job.name

    @property
    def schedule(self) -> str:
        return (self.state and self.state.schedule) or self.job.schedule


def rows_of(jobs: Mapping[str, Job], states: Mapping[str, JobState], now: datetime) -> list[Row]:
    found = []
    for job in jobs.values():
        theirs = [state for state in states.values() if state.job == job.name]
        found += [row_of(job, state, now) for state in theirs] or [Row(job, None, _NEW)]
    return found


def row_of(job: Job, state: JobState, now: datetime) -> Row:
    is_running = state.leased_until is not None and state.leased_until > now
    mark, why = _mark_of(state, now, is_running)
    took = span(state.last_began, state.last_ended) if not is_running else ""
    return Row(job, state, mark, why, took, None if state.paused else max(state.due_at, state.not_before or state.due_at), is_running)


def _mark_of(state: JobState, now: datetime, is_running: bool) -> tuple[tuple[str, str, Any], str]:
    if is_running:
        return _RUNNING, ""
    if state.leased_until is not None and (state.asked_by or state.due_at <= now):
        return _ENDED_AMIDST, _("Another one takes it over.")
    if state.asked_by:
        return _ASKED, ""
    if state.paused:
        return _PAUSED, state.last_error
    if state.failures:
        return _FAILING, state.last_error
    if state.not_before and state.not_before > max(now, state.due_at):
        return _WAITS, state.last_words
    if max(state.due_at, state.not_before or state.due_at) < now - _PATIENCE:
        return _OVERDUE, _("No process with the role “jobs” takes it.")
    return (_WELL if state.last_ok else _NEW), ""


def mark_of_run(run: JobRun, last_token: int) -> tuple[str, str, Any]:
    if run.ended_at is None:
        return _RUNNING if run.token == last_token else _ENDED_AMIDST
    return _DONE if run.ok else _FAILED if run.words else _STOPPED


def span(began: datetime | None, ended: datetime | None) -> str:
    if began is None or ended is None or ended < began:
        return ""
    seconds = int((ended - began).total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return str(_("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes))
    return str(
        _("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=seconds % 60) if minutes else _("%(seconds)s s", seconds=seconds)
    )
