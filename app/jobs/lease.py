"""Who runs a job: one conditional UPDATE makes it ours for a while, and a token that only grows tells us from all who had it before."""

import logging
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.extensions import PanelSession, db
from app.models import JobRun, JobState
from app.models.jobs import JOB_WORDS
from app.queries import jobs as known
from app.services.job import Job, LeaseLost, Report
from app.services.jobs import next_due
from app.services.moves import changed

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=25)
"""With the look that each process takes every five seconds another has it within 30."""
KEPT_RUNS = 200
LONGEST_PAUSE = timedelta(hours=1)
_FIRST_PAUSE, _LONGEST_REST = timedelta(minutes=1), timedelta(minutes=15)
MOST_DEATHS = 3
"""So many failures in a row, and a run whose process has ended is not begun again at once."""
ENDED_AMIDST = "The process that ran it has ended in the middle."
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    token: int
    asked_by: str
    due_at: datetime | None
    """The due time that this run is for; None: it has none, or is dry."""
    dry: bool = False
    is_again: bool = False
    """Somebody wanted it on the screen: where it is stopped, it is begun again elsewhere."""
    is_doomed: bool = False
    """The process has ended in the middle of it too often."""


def holder() -> str:
    return f"{current_app.config['NODE_NAME']} {socket.gethostname()[:24]}:{os.getpid()}"[:100]


def ensure(job: Job, name: str) -> None:
    """A job that is new begins at its next due time."""
    with cast(PanelSession, db.session()).begin_writing():
        db.session.add(JobState(name=name, due_at=next_due(name, job.schedule, known.now())))
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()


def put_right(job: Job, state: JobState, now: datetime) -> None:
    """Where the clock was put back, or a new version has another schedule, its due time may be too far off."""
    name, due_at = state.name, state.due_at
    due = next_due(name, state.schedule or job.schedule, now)
    db.session.rollback()
    if due < due_at:
        with cast(PanelSession, db.session()).begin_writing():
            here = (JobState.name == name, JobState.due_at == due_at, JobState.leased_until.is_(None))
            changed(update(JobState).where(*here).values(due_at=due))
            db.session.commit()


def states() -> dict[str, JobState]:
    """As they are now; nothing is held."""
    found = known.states()
    db.session.expunge_all()
    let_go()
    return found


def let_go() -> None:
    db.session.rollback()


def due_names(now: datetime) -> set[str]:
    """Of the jobs that claim() would give away."""
    return set(db.session.scalars(select(JobState.name).where(_free(now), _due(now))))


def _free(now: datetime) -> ColumnElement[bool]:
    """What lies further off than any of us would write was written before the clock was put back."""
    return or_(JobState.leased_until.is_(None), JobState.leased_until <= now, JobState.leased_until > now + 2 * LEASE)


def _due(now: datetime) -> ColumnElement[bool]:
    may = or_(JobState.not_before.is_(None), JobState.not_before <= now, JobState.not_before > now + LONGEST_PAUSE)
    return or_(JobState.asked_by != "", and_(JobState.paused.is_(False), JobState.due_at <= now, may))


def claim(name: str, *, asked_by: str = "", dry: bool = False) -> Lease | None:
    """Where it is due, or at once where somebody asks; None where somebody else has it."""
    try:
        return _claim(name, asked_by, dry)
    except OperationalError:  # two nodes of a Galera cluster at once: the second is refused at its commit
        db.session.rollback()
        return None


def _claim(name: str, asked_by: str, dry: bool) -> Lease | None:
    with cast(PanelSession, db.session()).begin_writing():
        now = known.now()
        when = () if asked_by else (_due(now),)
        values: dict[str, Any] = {"holder": holder(), "leased_until": now + LEASE, "token": JobState.token + 1}
        if not changed(update(JobState).where(JobState.name == name, _free(now), *when).values(**values)):
            db.session.rollback()
            return None
        state = db.session.get_one(JobState, name, populate_existing=True)
        is_doomed = _mourn(state, now)
        is_again = not asked_by
        asked_by = asked_by or state.asked_by
        state.last_began, state.done, state.total = now, 0, 0
        due_at = state.due_at if state.due_at <= now and not dry else None
        run = {"holder": state.holder, "asked_by": asked_by, "dry": dry, "due_at": due_at, "began_at": now}
        if not is_doomed:
            db.session.add(JobRun(name=name, token=state.token, **run))
        lease = Lease(name, state.token, asked_by, due_at, dry, is_again, is_doomed)
        db.session.commit()
    return lease


def _mourn(state: JobState, now: datetime) -> bool:
    """Of a run that has not ended: its process has. True where that was once too often; then the run is ours to end, as none begins."""
    died = (JobRun.name == state.name, JobRun.ended_at.is_(None), JobRun.token < state.token)
    dead = db.session.scalars(select(JobRun).where(*died).order_by(JobRun.id.desc()).limit(1)).one_or_none()
    if dead is None:
        return False
    state.failures += 1
    if state.failures >= MOST_DEATHS:
        dead.token = state.token
    else:
        dead.ended_at, dead.words = now, ENDED_AMIDST
    return state.failures >= MOST_DEATHS


def renew(lease: Lease, report: Report) -> None:
    """Also writes how far it is. LeaseLost where it is somebody else's."""
    with cast(PanelSession, db.session()).begin_writing():
        values = {"leased_until": known.now() + LEASE, "done": report.done, "total": report.total}
        if not changed(update(JobState).where(*_ours(lease)).values(**values)):
            raise LeaseLost(lease.name)
        changed(update(JobRun).where(JobRun.name == lease.name, JobRun.token == lease.token).values(log=report.log))
        db.session.commit()


def hold(lease: Lease) -> None:
    """Joins the transaction of whoever calls: until its end nobody else can take over."""
    if not changed(update(JobState).where(*_ours(lease)).values(token=JobState.token)):
        raise LeaseLost(lease.name)


def _ours(lease: Lease) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return JobState.name == lease.name, JobState.token == lease.token


def finish(job: Job, lease: Lease, report: Report, error: str = "") -> bool | None:
    """What became of it. Gives True where the admins are to be told that it fails, False where they are to be told that it does no more."""
    for left in reversed(range(_TRIES)):
        try:
            return _finish(job, lease, report, error)
        except OperationalError:
            db.session.rollback()
            if not left:
                raise
    return None


def _finish(job: Job, lease: Lease, report: Report, error: str) -> bool | None:
    with cast(PanelSession, db.session()).begin_writing():
        hold(lease)
        state = db.session.get_one(JobState, lease.name, populate_existing=True)
        now, to_tell = known.now(), None
        run = db.session.scalars(select(JobRun).where(JobRun.name == lease.name, JobRun.token == lease.token)).one()
        run.ended_at, run.log = now, run.log if lease.is_doomed else report.log
        run.ok, run.words = not error and not report.was_stopped, (error or ("" if report.was_stopped else report.words))[:JOB_WORDS]
        db.session.flush()
        rest = _rest_after(state) if report.rests else None
        state.leased_until, state.holder, state.last_ended = None, "", now
        if error and not lease.dry:
            to_tell = None if state.told else True
            # The death of who ran it is counted already.
            state.failures, state.told, state.last_error = state.failures + (not lease.is_doomed), True, run.words
            state.not_before = now + pause_after(state.failures)
        elif run.ok and not lease.dry:
            to_tell = False if state.told else None
            state.failures, state.told, state.last_error, state.not_before = 0, False, "", now + rest if rest else None
            state.last_ok, state.last_words = now, run.words
            if lease.due_at is not None:
                state.due_at = next_due(lease.name, state.schedule or job.schedule, now)
        if not lease.dry and not (report.was_stopped and lease.is_again):
            state.asked_by = ""
        _forget_old(lease.name)
        db.session.commit()
    return to_tell


def pause_after(failures: int) -> timedelta:
    """It doubles, up to an hour."""
    return min(LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(failures - 1, 10)))


def _rest_after(state: JobState) -> timedelta:
    """Twice the one before."""
    last = state.not_before - state.last_ended if state.not_before and state.last_ended else timedelta()
    return min(_LONGEST_REST, max(_FIRST_PAUSE, 2 * last))


def _forget_old(name: str) -> None:
    oldest = db.session.scalar(select(JobRun.id).where(JobRun.name == name).order_by(JobRun.id.desc()).offset(KEPT_RUNS).limit(1))
    if oldest is not None:
        db.session.execute(delete(JobRun).where(JobRun.name == name, JobRun.id <= oldest))
