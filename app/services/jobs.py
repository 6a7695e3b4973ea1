"""What an admin does with jobs: another schedule, a pause, a run now."""

from datetime import datetime
from typing import cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from app.actor import Actor
from app.errors import Conflict, NotFound
from app.extensions import PanelSession, db
from app.models import JobState, Verb
from app.queries import jobs as known
from app.services.audit import record
from app.services.job import Job
from app.services.schedule import read_schedule


def next_due(name: str, schedule: str, now: datetime) -> datetime:
    """The first due time from now on that was not served: a clock that is put back has none run twice."""
    found = read_schedule(schedule, current_app.config["JOBS_ZONE"])
    done, due = known.served(name, now), found.after(now)
    while due in done:
        due = found.after(due)
    return due


def set_schedule(job: Job, name: str, text: str, *, actor: Actor) -> None:
    """Empty: as the job comes."""
    words = " ".join(text.lower().split())
    read_schedule(words or job.schedule, current_app.config["JOBS_ZONE"])
    with cast(PanelSession, db.session()).begin_writing():
        state = _locked(name)
        before, state.schedule = state.schedule, "" if words == job.schedule else words
        if state.schedule != before:
            state.due_at, state.not_before = next_due(name, state.schedule or job.schedule, known.now()), None
            was, is_now = {"schedule": before or job.schedule}, {"schedule": state.schedule or job.schedule}
            record(actor, Verb.JOB_CHANGED, "job", name, before=was, after=is_now)
        db.session.commit()


def set_paused(job: Job, name: str, paused: bool, *, actor: Actor) -> None:
    """Due times in a pause do not count. A run under way goes on."""
    with cast(PanelSession, db.session()).begin_writing():
        state = _locked(name)
        if state.paused != paused:
            state.paused = paused
            if not paused:
                state.due_at, state.not_before = next_due(name, state.schedule or job.schedule, known.now()), None
            record(actor, Verb.JOB_CHANGED, "job", name, before={"paused": not paused}, after={"paused": paused})
        db.session.commit()


def ask_for_run(name: str, *, actor: Actor) -> None:
    """The next process that looks runs it."""
    if not current_app.config["JOBS"]:
        raise Conflict(_("Jobs are off here (JOBS): `flask jobs run %(name)s` runs it.", name=name.partition("@")[0]))
    with cast(PanelSession, db.session()).begin_writing():
        state = _locked(name)
        if state.leased_until is not None and state.leased_until > known.now():
            raise Conflict(_("It is running already."))
        state.asked_by = actor.name[:100] or "?"
        record(actor, Verb.JOB_ASKED, "job", name)
        db.session.commit()


def _locked(name: str) -> JobState:
    found = db.session.scalar(select(JobState).where(JobState.name == name).with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFound(_("There is no such job."))
    return found
