"""What this node does for another: gives a copy, sends what waits here, removes what may go. Who asks has seen to it that its user may."""

import re
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, NotFound
from app.extensions import db
from app.models import Mail, Verb
from app.queries.audit import was_opened
from app.queries.deletions import due_removals
from app.queries.releases import waiting_here
from app.services.audit import recorded
from app.services.background import background
from app.services.copy_removal import remove_due
from app.services.release_sending import send_due
from app.storage import store_for

_MOST_IDS = 500
_DIGEST = re.compile(r"[0-9a-f]{64}")
_AGAIN_AFTER = timedelta(minutes=15)
_LATEST_SECONDS = 60.0


def copy_for(mail_id: int, actor: Actor, through: str) -> bytes:
    """An event for each mail and person, as opening it is one: the trail says through which node it was had."""
    digest = _digest_here(mail_id)
    with store_for(current_app.config["STORE_URL"]).open(digest) as copy:
        raw = copy.read()
    user_id = actor.user_id
    if user_id is None or not was_opened(mail_id, user_id, Verb.MAIL_FETCHED, _shortly_before()):
        recorded(actor, Verb.MAIL_FETCHED, "mail", mail_id, after={"from": current_app.config["NODE_NAME"], "through": through})
    return raw


def copy_state(mail_id: int) -> dict[str, Any]:
    try:
        digest = _digest_here(mail_id)
        with store_for(current_app.config["STORE_URL"]).open(digest) as copy:
            return {"there": True, "digest": digest, "size": len(copy.read())}
    except NotFound:
        return {"there": False}


def send_now(ids: Any) -> int:
    """How many of them are this node's and wait. They are sent after the answer."""
    if not isinstance(ids, list) or len(ids) > _MOST_IDS or not all(type(each) is int for each in ids):
        raise BadRequest("ids is a list of numbers.")
    found = waiting_here(current_app.config["NODE_NAME"], ids)
    db.session.rollback()
    if found:
        due = max((at - stored_now()).total_seconds() for _id, at in found)  # by a clock that may be ahead of ours
        mine = [release_id for release_id, _at in found]
        background().later(min(max(due, 0.0), _LATEST_SECONDS), lambda: send_due(only=mine))
    return len(found)


def remove_now(digests: Any) -> int:
    """How many of them are this node's to remove. That is done after the answer, and as always: what a mail refers to stays."""
    if not isinstance(digests, list) or len(digests) > _MOST_IDS or not all(_DIGEST.fullmatch(str(each)) for each in digests):
        raise BadRequest("digests is a list of SHA-256 digests.")
    due = {digest for _node, digest in due_removals(current_app.config["NODE_NAME"], stored_now(), _MOST_IDS)}
    db.session.rollback()
    found = due & set(digests)
    if found:
        background().later(0.0, remove_due)
    return len(found)


def _digest_here(mail_id: int) -> str:
    mail = db.session.scalar(select(Mail).where(Mail.id == mail_id))
    if mail is None or not mail.is_stored or mail.copy_digest is None:
        raise NotFound("The stored copy is gone.")
    digest = mail.copy_digest
    db.session.rollback()  # nothing is held while the file is read
    return digest


def _shortly_before() -> datetime:
    return stored_now() - _AGAIN_AFTER
