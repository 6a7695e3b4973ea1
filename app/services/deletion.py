"""A stored copy or a whole mail is to go: asked for, undone as long as it waits, done in one transaction."""

import logging
from collections.abc import Collection
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from app.actor import SYSTEM, Actor
from app.clock import stored_now
from app.errors import Conflict, NotAllowed, NotFound
from app.extensions import PanelSession, db
from app.models import PARTS_OF_A_MAIL, CopyState, Deletion, Extent, Fate, Mail, Verb
from app.queries.deletions import Deleting, due_deletions, is_being_released, waiting_deletions
from app.queries.holds import held_among
from app.services.audit import record
from app.services.copy_removal import remove_due, take_leave
from app.services.expiry import pass_gate
from app.services.holds import must_not_be_held
from app.services.moves import can_be_undone_until, changed, locked, locked_if_there, when_it_stands
from app.services.removal_elsewhere import tell_others

log = logging.getLogger(__name__)

VERBS = {Extent.COPY: Verb.COPY_DELETED, Extent.MAIL: Verb.MAIL_DELETED}
_AT_ONCE = 100
_MOST_FAILURES = 3


def ask(deleting: Deleting, mail_id: int, extent: Extent, *, at_once: bool = False, actor: Actor) -> int:
    """The id of what is to be done. `at_once`: it cannot be undone."""
    now = stored_now()
    due = now if at_once else can_be_undone_until()
    with cast(PanelSession, db.session()).begin_writing():
        mail = locked(mail_id)
        _must_be_theirs(deleting, extent)
        must_not_be_held(mail_id)
        if extent == Extent.COPY and not mail.is_stored:
            raise NotFound(_("No copy of this mail is kept."))
        if waiting_deletions([mail_id]):
            raise Conflict(_("It is being deleted already."))
        if is_being_released(mail_id):
            raise Conflict(_("The mail is being released: wait until it has gone, or undo that first."))
        row = Deletion(
            mail_id=mail_id,
            identity=mail.identity,
            extent=extent.value,
            state=Fate.WAITING,
            due_at=due,
            asked_at=now,
            asked_by=actor.name,
            on_behalf_of=actor.on_behalf_of,
            user_id=actor.user_id,
        )
        db.session.add(row)
        db.session.flush()
        found = row.id
        record(actor, VERBS[extent], "mail", mail_id, after={"step": "asked"})
        db.session.commit()
    return found


def undo(deleting: Deleting, mail_id: int, *, actor: Actor) -> None:
    """Conflict where it was done, or nobody asked for it."""
    with cast(PanelSession, db.session()).begin_writing():
        locked(mail_id)
        row = waiting_deletions([mail_id]).get(mail_id)
        if row is None:
            raise Conflict(_("It is too late, or nothing was to be deleted."))
        extent = Extent(row.extent)
        _must_be_theirs(deleting, extent)
        waiting = (Deletion.id == row.id, Deletion.state == Fate.WAITING)
        if not changed(update(Deletion).where(*waiting).values(state=Fate.CANCELLED.value)):
            raise Conflict(_("It is too late, or nothing was to be deleted."))
        record(actor, VERBS[extent], "mail", mail_id, after={"step": "undone"})
        db.session.commit()


def delete_due(limit: int = _AT_ONCE, only: Collection[int] | None = None) -> int:
    """How many were done, whoever asked for them. What somebody else does at the same time is passed over."""
    found = due_deletions(stored_now(), limit) if only is None else only
    db.session.rollback()
    done = failed = 0
    for deletion_id in found:
        try:
            done += _do(deletion_id)
        except DBAPIError as error:  # one that the database will not have keeps back no other
            failed += 1
            if failed == _MOST_FAILURES or only is not None:
                raise
            log.error("deletion %d waits: %s", deletion_id, error.orig)
    return done


def delete_later() -> None:
    """What was asked for just now."""
    when_it_stands(_delete_and_tell)


def _delete_and_tell() -> None:
    delete_due()
    remove_due()
    tell_others()


def _must_be_theirs(deleting: Deleting, extent: Extent) -> None:
    if deleting.allows(extent):
        return
    if deleting.is_shared:
        raise NotAllowed(_("This mail did not go to you alone: only who is responsible for all its recipients can delete it."))
    raise NotAllowed(_("This is not yours to delete."))


def _do(deletion_id: int) -> bool:
    """All of it or nothing: whoever dies in between leaves it waiting."""
    with cast(PanelSession, db.session()).begin_writing():
        pass_gate()
        row = db.session.get(Deletion, deletion_id, populate_existing=True)
        mail = None if row is None else locked_if_there(row.mail_id)
        due = (Deletion.id == deletion_id, Deletion.state == Fate.WAITING, Deletion.due_at <= stored_now())
        is_held = mail is not None and bool(held_among([mail.id]))
        fate = Fate.CANCELLED if is_held else Fate.DONE
        is_ours = changed(update(Deletion).where(*due).values(state=fate.value, done_at=None if is_held else stored_now()))
        if row is None or not is_ours:
            db.session.rollback()
            return False
        if is_held:
            log.info("mail %d: a legal hold keeps it", row.mail_id)
        elif mail is not None:
            _take_away(mail, Extent(row.extent))
        db.session.commit()
    return not is_held


def _take_away(mail: Mail, extent: Extent) -> None:
    mail_id, known = mail.id, {"queue_id": mail.queue_id, "message_id": mail.message_id, "from": mail.mail_from, "node": mail.node}
    if mail.is_stored and mail.copy_digest is not None:
        take_leave(mail.copy_node or current_app.config["NODE_NAME"], mail.copy_digest)
    if extent == Extent.COPY:
        mail.copy_state = CopyState.DELETED
    else:
        _delete_rows(mail)
    log.info("mail %d: %s", mail_id, VERBS[extent])
    told: dict[str, Any] = {"before": known} if extent == Extent.MAIL else {}
    record(SYSTEM, VERBS[extent], "mail", mail_id, after={"step": "done"}, **told)


def _delete_rows(mail: Mail) -> None:
    mail_id = mail.id
    db.session.expunge(mail)
    for part in PARTS_OF_A_MAIL:
        db.session.execute(delete(part).where(part.mail_id == mail_id).execution_options(synchronize_session=False))
    db.session.execute(delete(Mail).where(Mail.id == mail_id).execution_options(synchronize_session=False))
