"""How each job stands, and how its runs went."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, text

from app.clock import stored_now
from app.errors import NotFound
from app.extensions import db
from app.models import JobRun, JobState

_CLOCKS = {"mysql": "SELECT UTC_TIMESTAMP(6)", "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'"}


def now() -> datetime:
    """Whole seconds of the database's clock, which all nodes share; on SQLite it is ours."""
    clock = _CLOCKS.get(db.engine.dialect.name)
    found: datetime = stored_now() if clock is None else db.session.scalar(text(clock)) or stored_now()
    return found.replace(microsecond=0)


def states() -> dict[str, JobState]:
    return {row.name: row for row in db.session.scalars(select(JobState).order_by(JobState.name).execution_options(populate_existing=True))}


def state_named(name: str) -> JobState:
    found = db.session.get(JobState, name, populate_existing=True)
    if found is None:
        raise NotFound(_("There is no such job."))
    return found


def served(name: str, since: datetime) -> set[datetime]:
    """Due times from then on that were done already: there are some where the clock was put back."""
    done = (JobRun.name == name, JobRun.ok.is_(True), JobRun.due_at >= since)
    return {moment for moment in db.session.scalars(select(JobRun.due_at).where(*done)) if moment is not None}


def runs_of(name: str, limit: int, before: int | None = None) -> Sequence[JobRun]:
    """The newest first, without their logs."""
    older = () if before is None else (JobRun.id < before,)
    return db.session.scalars(select(JobRun).where(JobRun.name == name, *older).order_by(JobRun.id.desc()).limit(limit)).all()


def run_numbered(name: str, run_id: int) -> JobRun:
    found = db.session.get(JobRun, run_id) if run_id < 1 << 63 else None
    if found is None or found.name != name:
        raise NotFound(_("There is no such job."))
    return found
