"""What an admin does with a letter: its links do nothing any more, or it is tried again."""

from typing import cast

from flask_babel import gettext as _
from sqlalchemy import select, update

from app.actor import Actor
from app.clock import stored_now
from app.errors import Conflict
from app.extensions import PanelSession, db
from app.models import Notice, NoticeStep, Verb
from app.queries.notice_choices import within
from app.queries.notice_letters import letter_of
from app.queries.people import Reach
from app.services.audit import record
from app.services.moves import run

_AT_ONCE = 500


class Unsure(Conflict):
    """It may have arrived: who wants it all the same says so."""


def void(reach: Reach, notice_id: int, *, actor: Actor) -> None:
    """A letter that has not gone yet does not go: when its turn comes, which is now, it is found to be of no use."""
    with cast(PanelSession, db.session()).begin_writing():
        row = letter_of(reach.scope, notice_id, locked=True)
        if row.revoked_at is not None:
            raise Conflict(_("Its links do nothing any more already."))
        row.revoked_at, row.revoked_by = stored_now(), actor.name[:100]
        if row.state == NoticeStep.WAITING and row.next_try_at is not None:
            row.next_try_at = row.revoked_at
        record(actor, Verb.NOTICE_VOIDED, "notice", notice_id, after={"state": row.state, "to": row.address})
        db.session.commit()


def try_again(reach: Reach, notice_id: int, *, sure: bool = False, actor: Actor) -> None:
    """Unsure where it may have arrived, until it is said that it may come twice."""
    with cast(PanelSession, db.session()).begin_writing():
        row = letter_of(reach.scope, notice_id, locked=True)
        if row.state == NoticeStep.UNKNOWN and not sure:
            raise Unsure(_("It may have arrived: sent again, it may come twice."))
        if row.state not in (NoticeStep.FAILED, NoticeStep.UNKNOWN):
            raise Conflict(_("Only a letter that failed can be tried again."))
        if row.revoked_at is not None:
            raise Conflict(_("Its links do nothing any more: it would be of no use."))
        before = {"state": row.state, "tries": row.tries, "answer": row.answer}
        # Its tries go on: by their number whoever sends it knows its own.
        row.state, row.next_try_at = NoticeStep.WAITING.value, stored_now()
        row.claimed_at = row.ended_at = None
        record(actor, Verb.NOTICE_AGAIN, "notice", notice_id, before=before, after={"to": row.address})
        db.session.commit()


def try_failed_again(reach: Reach, *, after: int = 0, actor: Actor) -> tuple[int, int | None]:
    """Of all letters that failed and are theirs, so many. How many it were, and after which number there are more."""
    failed = (Notice.state == NoticeStep.FAILED.value, Notice.revoked_at.is_(None))
    with cast(PanelSession, db.session()).begin_writing():
        query = select(Notice.id).where(*failed, Notice.id > after, within(Notice.address, reach.scope))
        ids = db.session.scalars(query.order_by(Notice.id).limit(_AT_ONCE).with_for_update()).all()
        if ids:
            values = {"state": NoticeStep.WAITING.value, "next_try_at": stored_now(), "claimed_at": None, "ended_at": None}
            run(update(Notice).where(Notice.id.in_(ids), *failed).values(**values))
            told = {"letters": len(ids), "from": ids[0], "to": ids[-1]}
            record(actor, Verb.NOTICE_AGAIN, "notice", NoticeStep.FAILED.value, after=told)
        db.session.commit()
    return len(ids), ids[-1] if len(ids) == _AT_ONCE else None
