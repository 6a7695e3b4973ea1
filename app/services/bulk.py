"""An act on many mails: begun, cancelled, and undone as far as that is possible. services/bulk_work does it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import monotonic, stored_now
from app.errors import BadRequest, Conflict, MailkeepError, NotFound
from app.extensions import PanelSession, db
from app.models import BulkResult, BulkRun, ResultKind, RunState, Verb
from app.models.bulk import UNDER_WAY
from app.queries.bulk import count_under_way, ended_runs, run_of_token, undoable
from app.queries.visibility import get_mail
from app.services.acts import ACTS
from app.services.audit import record
from app.services.moves import changed

MOST_TICKED = 1000
MOST_UNDER_WAY = 10
"""Of one account."""
_KEPT = timedelta(days=90)
_UNDO_SECONDS = 10.0
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, to which mails, and with whose rights."""

    act: str
    token: str
    user_id: int
    roles: Collection[str]
    before: int
    """Only mails with a lower id: none that came after the order."""
    total: int
    is_exact: bool = True
    ids: Sequence[int] = ()
    """None: all that the search finds."""
    search: Sequence[tuple[str, str]] = ()
    options: Collection[str] = ()
    zone: str = "UTC"
    language: str = "en"
    reason: str = ""


def begin(order: Order, *, actor: Actor) -> int:
    """The run's id; that of the same page when it is sent a second time."""
    if order.act not in ACTS or not set(order.options) <= set(ACTS[order.act].options):
        raise BadRequest(_("There is no such act."))
    if len(order.ids) > MOST_TICKED:
        raise BadRequest(_("Choose %(most)s mails at most.", most=MOST_TICKED))
    forget_old()
    run = _run(order, actor)
    try:
        with cast(PanelSession, db.session()).begin_writing():
            known = run_of_token(order.user_id, order.token)
            if known is None and count_under_way(order.user_id) >= MOST_UNDER_WAY:
                raise Conflict(_("%(most)s acts of yours are under way; wait until one of them has ended.", most=MOST_UNDER_WAY))
            if known is None:
                db.session.add(run)
                db.session.flush()
                known = run.id
                record(actor, Verb.BULK_BEGUN, "bulk", known, after=_told(order), reason=order.reason)
            db.session.commit()
    except IntegrityError:
        known = run_of_token(order.user_id, order.token)
        if known is None:
            raise
    stir()
    return known


def _run(order: Order, actor: Actor) -> BulkRun:
    now = stored_now()
    return BulkRun(
        token=order.token,
        act=order.act,
        options=json.dumps(sorted(order.options)),
        ids=json.dumps(sorted(set(order.ids), reverse=True)) if order.ids else "",
        search=json.dumps([list(pair) for pair in order.search]),
        zone=order.zone,
        language=order.language,
        user_id=order.user_id,
        roles=json.dumps(sorted(order.roles)),
        asked_by=actor.name,
        actor_id=actor.user_id,
        on_behalf_of=actor.on_behalf_of,
        ip=actor.ip,
        state=RunState.WAITING,
        words="",
        total=order.total,
        is_exact=order.is_exact,
        done=0,
        skipped=0,
        failed=0,
        undone=0,
        upto=order.before,
        claimed_until=now,
        tries=0,
        asked_at=now,
    )


def _told(order: Order) -> dict[str, Any]:
    what: dict[str, Any] = {"chosen": True} if order.ids else {"search": [f"{name}={text}" for name, text in order.search]}
    how = ({} if order.is_exact else {"at least": True}) | ({"options": sorted(order.options)} if order.options else {})
    return {"act": order.act, "mails": order.total} | what | how


def stir() -> None:
    """Where this process does such things, it begins at once."""
    if "mailkeep_bulk_stirred" in current_app.extensions:
        current_app.extensions["mailkeep_bulk_stirred"]()


def cancel(run_id: int, *, actor: Actor) -> None:
    """The mail that has its turn just now is finished."""
    with cast(PanelSession, db.session()).begin_writing():
        stopped = {"state": RunState.CANCELLED.value, "ended_at": stored_now()}
        if not changed(update(BulkRun).where(BulkRun.id == run_id, BulkRun.state.in_(UNDER_WAY)).values(**stopped)):
            raise Conflict(_("It has ended already."))
        record(actor, Verb.BULK_ENDED, "bulk", run_id, after=tally(run_id))
        db.session.commit()


def tally(run_id: int) -> dict[str, Any]:
    run = db.session.get(BulkRun, run_id, populate_existing=True)
    if run is None:
        raise NotFound(_("There is no such act."))
    told: dict[str, Any] = {"state": str(run.state), "done": run.done, "skipped": run.skipped, "failed": run.failed}
    return told | ({"why": run.words} if run.words else {})


def undo_all(user: Any, run_id: int, *, actor: Actor) -> tuple[int, int]:
    """Stops it, and undoes what waits still, as far as a request has time: how many are undone, and for how many it was too late."""
    run = db.session.get(BulkRun, run_id)
    act = ACTS.get(run.act) if run is not None else None
    if run is None or act is None or act.undo is None:
        raise BadRequest(_("This cannot be undone."))
    if run.is_under_way:
        try:
            cancel(run_id, actor=actor)
        except Conflict:
            db.session.rollback()
    undone, late, seen, end = 0, 0, set[int](), monotonic() + _UNDO_SECONDS
    while monotonic() < end:
        found = [row for row in undoable(run_id, stored_now(), _AT_ONCE + len(seen)) if row.mail_id not in seen]
        if not found:
            break
        for row in found:
            if monotonic() >= end:
                break
            seen.add(row.mail_id)
            try:
                act.undo(user, get_mail(user, row.mail_id), json.loads(row.undo), actor)
            except MailkeepError:
                db.session.rollback()
                late += 1
                continue
            undone += _count_undone(run_id, row.mail_id)
    return undone, late


def _count_undone(run_id: int, mail_id: int) -> bool:
    with cast(PanelSession, db.session()).begin_writing():
        waits = (BulkResult.run_id == run_id, BulkResult.mail_id == mail_id, BulkResult.kind == ResultKind.WAITING)
        is_ours = changed(update(BulkResult).where(*waits).values(kind=ResultKind.UNDONE.value))
        if is_ours:
            changed(update(BulkRun).where(BulkRun.id == run_id).values(undone=BulkRun.undone + 1))
        db.session.commit()
    return is_ours


def forget_old() -> int:
    """Runs are kept for a season; the audit trail is what tells of them for longer. How many have gone: some at a time."""
    old = ended_runs(stored_now() - _KEPT)
    if old:
        with cast(PanelSession, db.session()).begin_writing():
            db.session.execute(delete(BulkResult).where(BulkResult.run_id.in_(old)))
            db.session.execute(delete(BulkRun).where(BulkRun.id.in_(old)))
            db.session.commit()
    return len(old)
