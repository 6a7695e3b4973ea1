"""What has happened to one mail, from the audit trail, as far as somebody may know it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models.audit import AuditEvent, Verb
from app.queries.scope import Scope

_MOST = 200
# Who else looked at it, and why: for those who see all mail.
_WATCHED = (Verb.MAIL_OPENED, Verb.MAIL_READ, Verb.MAIL_DOWNLOADED, Verb.REASON_GIVEN)
# What concerns everybody who got the mail. Any other event is told to others only as far as its "to" names addresses of theirs: an event
# that nobody thought of tells nobody who else got the mail.
_GENERAL = {Verb.COPY_DELETED, Verb.MAIL_DELETED}

# Of what they did themselves they know what it was, too.
_OWN = ("lesson", "node", "action", "score")


@dataclass(frozen=True, slots=True)
class Happened:
    at: datetime
    verb: str
    told: dict[str, Any]
    """What the event keeps; "to" has only addresses that are theirs to see."""
    who: str = ""
    """Empty where it is not told."""
    on_behalf_of: str = ""
    reason: str = ""
    is_own: bool = False


def happened_to(mail_id: int, scope: Scope, user_id: int) -> list[Happened]:
    """The newest first."""
    query = select(AuditEvent).where(AuditEvent.target_kind == "mail", AuditEvent.target_id == str(mail_id))
    if not scope.everything:
        query = query.where(AuditEvent.verb.not_in(_WATCHED))
    events = db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(_MOST)).all()
    return [found for event in events if (found := _as_seen(event, scope, user_id)) is not None]


def _as_seen(event: AuditEvent, scope: Scope, user_id: int) -> Happened | None:
    told = _told(event.after)
    if scope.everything:
        return Happened(event.at, event.verb, told, event.actor, event.on_behalf_of, event.reason)
    is_own = event.user_id == user_id and not event.on_behalf_of
    theirs = [address for address in told.get("to", ()) if scope.owns(str(address).lower())]
    if not theirs and (told.get("to") or not (is_own or event.verb in _GENERAL)):
        return None
    kept = {"step": told.get("step", ""), "to": theirs}
    if is_own:
        kept |= {name: told[name] for name in _OWN if name in told}
    if len(theirs) == len(told.get("to", ())) == 1:  # what the relay said of this one alone
        kept["reply"] = told.get("reply", "")
    return Happened(event.at, event.verb, kept, is_own=is_own)


def _told(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
