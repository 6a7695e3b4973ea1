"""Legal holds: begun, lifted, and in the way of whoever would delete what they keep."""

from collections.abc import Collection
from typing import cast

from flask_babel import gettext as _

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import PanelSession, db
from app.models import Held, LegalHold, Mail, Verb
from app.models.hold import REASON_LENGTH
from app.queries.fields import Filter
from app.queries.holds import held_among, standing_holds, written_filters
from app.services.addresses import read_address, read_domain
from app.services.audit import record
from app.services.expiry import pass_gate
from app.services.retention import begin_anew


def add_hold(kind: Held, text: str, reason: str, *, filters: Collection[Filter] = (), actor: Actor) -> int:
    """From the moment it returns nothing of it goes. `filters`: what the text of a search means."""
    value, reason = _value(kind, text.strip(), filters), " ".join(reason.split())
    if not reason or len(reason) > REASON_LENGTH:
        raise BadRequest(_("Say why, in %(most)s characters at most.", most=REASON_LENGTH))
    with cast(PanelSession, db.session()).begin_writing():
        pass_gate()
        if kind == Held.MAIL and db.session.get(Mail, int(value)) is None:
            raise NotFound(_("There is no such mail."))
        if any((hold.kind, hold.value) == (kind, value) for hold in standing_holds()):
            raise Conflict(_("There is such a hold already."))
        row = LegalHold(
            kind=kind.value, value=value, filters=written_filters(filters), reason=reason, held_by=actor.name, held_at=stored_now()
        )
        row.lifted_by = ""
        db.session.add(row)
        db.session.flush()
        found = row.id
        record(actor, Verb.HOLD_ADDED, "hold", found, after={"kind": kind.value, "value": value}, reason=reason)
        db.session.commit()
    return found


def lift_hold(hold_id: int, *, actor: Actor) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        pass_gate()
        row = db.session.get(LegalHold, hold_id, populate_existing=True)
        if row is None or row.lifted_at is not None:
            raise NotFound(_("There is no such hold, or it is lifted."))
        row.lifted_by, row.lifted_at = actor.name[:100], stored_now()
        record(actor, Verb.HOLD_LIFTED, "hold", hold_id, before={"kind": row.kind, "value": row.value})
        begin_anew()
        db.session.commit()


def must_not_be_held(mail_id: int) -> None:
    """Joins the transaction of whoever deletes."""
    if held_among([mail_id]):
        raise Conflict(_("A legal hold keeps this mail: it cannot be deleted until the hold is lifted."))


def _value(kind: Held, text: str, filters: Collection[Filter]) -> str:
    match kind:
        case Held.ADDRESS:
            return read_address(text)
        case Held.DOMAIN:
            return read_domain(text)
        case Held.SEARCH:
            if not filters:
                raise BadRequest(_("This search has no filter: it would hold every mail."))
            return text
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadRequest(_("“%(text)s” is no id of a mail.", text=text[:100]))
    return str(int(text))
