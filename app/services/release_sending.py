"""Sends what was released: each of them claimed by one statement before, and recorded after, so that nothing goes twice."""

import contextlib
import json
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

from flask import current_app
from sqlalchemy import update

from app.actor import SYSTEM
from app.clock import stored_now, utcnow
from app.errors import NotFound, Unavailable
from app.extensions import PanelSession, db
from app.mime.release import Mark, marked, with_trace
from app.models import Mail, Mode, Release, Step, Verb
from app.models.release import WORDS_LENGTH
from app.queries.releases import due_releases, lost_releases
from app.services.audit import record
from app.services.copies import raw_of
from app.services.moves import changed, locked, when_it_stands
from app.services.release import sum_up
from app.services.release_elsewhere import wake_others
from app.services.release_letter import Held, Released, explained
from app.services.rows import ENVELOPE_FROM
from app.services.sealing import key_for
from app.services.tries import tried
from app.smtp import Answer, Kind, Relay, Round

log = logging.getLogger(__name__)

_AFTER_SECONDS = (60, 300, 900, 3600)
"""How long after each try that failed for now; the last counts for all that follow."""
_LOST_AFTER = timedelta(minutes=10)
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: int
    mail_id: int
    claim: str
    target: str
    attempts: int
    mode: Mode
    released: Released


def release_relay(config: Any) -> Relay:
    """RELEASE_URL is asked without a password: those of SMTP_URL are for that one."""
    if config["RELEASE_URL"]:
        return Relay(config["RELEASE_URL"], ca_file=config["SMTP_CA_FILE"], timeout=config["SMTP_TIMEOUT"])
    return Relay(*(config[f"SMTP_{name}"] for name in ("URL", "USER", "PASSWORD", "CA_FILE", "TIMEOUT")))


def send_due(limit: int = AT_ONCE, only: Collection[int] | None = None) -> int:
    """How many were tried. What somebody else has claimed is passed over."""
    _give_up_on_lost(limit)
    found = due_releases(current_app.config["NODE_NAME"], stored_now(), limit) if only is None else [*only][:limit]
    db.session.rollback()
    count = 0
    with contextlib.closing(Round(release_relay(current_app.config))) as through:
        for release_id in found:
            claimed = _claim(release_id)
            if claimed is not None:
                tried(partial(_record, claimed, _send(claimed, through)))
                count += 1
    return count


def send_later(ids: Collection[int]) -> None:
    """What somebody asked for just now: it does not wait behind the thousands that somebody else chose at once."""
    when_it_stands(lambda: _send_everywhere(ids))


def _send_everywhere(ids: Collection[int]) -> None:
    send_due(only=ids)
    wake_others(ids)


def _claim(release_id: int) -> _Claimed | None:
    claim, now = secrets.token_hex(16), stored_now()
    values: dict[str, Any] = {"state": Step.SENDING.value, "claim": claim, "claimed_at": now, "next_try_at": None}
    ours = Release.node == current_app.config["NODE_NAME"]
    free = (Release.id == release_id, ours, Release.state.in_((Step.WAITING, Step.FAILED)), Release.next_try_at <= now)
    with cast(PanelSession, db.session()).begin_writing():
        is_ours = changed(update(Release).where(*free).values(attempts=Release.attempts + 1, **values))
        row = db.session.get(Release, release_id, populate_existing=True) if is_ours else None
        claimed = _claimed(row, claim) if row is not None else None
        db.session.commit()
    return claimed


def _claimed(row: Release, claim: str) -> _Claimed:
    released = Released(row.target, row.address, row.on_behalf_of or row.asked_by, row.asked_at)
    return _Claimed(row.id, row.mail_id, claim, row.target, row.attempts, Mode(row.mode), released)


def _send(claimed: _Claimed, through: Round) -> Answer:
    config = current_app.config
    mail = db.session.get(Mail, claimed.mail_id)
    if mail is None or mail.copy_digest is None:
        return Answer(Kind.NEVER, 0, "The mail is gone.")
    sender, digest, held = sender_of(mail), mail.copy_digest, Held.of(mail)
    try:
        raw = raw_of(mail)
    except NotFound:
        return Answer(Kind.NEVER, 0, "The stored copy is gone.")
    except Unavailable as error:
        return Answer(Kind.LATER, 0, str(error))
    finally:
        db.session.rollback()  # nobody waits for us while the relay is slow
    if claimed.mode is Mode.ATTACHED:
        return _send_attached(claimed, raw, held, through)
    mark = Mark(claimed.mail_id, digest)
    traced = with_trace(raw, mark, target=claimed.target, sender=config["MAIL_FROM"], at=utcnow(), key=key_for("release"))
    return through.give(traced, sender, claimed.target)


def _send_attached(claimed: _Claimed, raw: bytes, held: Held, through: Round) -> Answer:
    """Without an envelope sender: what cannot be delivered comes back to nobody, so nothing can go in circles."""
    try:
        message = explained(raw, held, claimed.released)
    except ValueError:
        return Answer(Kind.NEVER, 0, f"{claimed.target} is no address that an explaining mail can be sent to.")
    marked_message = marked(message, claimed.mail_id, target=claimed.target, key=key_for("release"))
    return through.give(marked_message, "", claimed.target)


def sender_of(mail: Mail) -> str:
    """As it came, if that was kept."""
    try:
        given = str(json.loads(mail.detail.extra)[ENVELOPE_FROM])
    except (AttributeError, ValueError, KeyError, TypeError):
        return mail.mail_from
    return given if given.lower() == mail.mail_from else mail.mail_from


def _record(claimed: _Claimed, answer: Answer) -> None:
    log.info("mail %d to %s: %s: %s", claimed.mail_id, claimed.target, answer.kind, answer.words)
    with cast(PanelSession, db.session()).begin_writing():
        mail = locked(claimed.mail_id)
        values = _outcome(answer, claimed.attempts)
        # Also where it was given up meanwhile: this is what became of it.
        ours = (Release.id == claimed.id, Release.claim == claimed.claim, Release.state.in_((Step.SENDING, Step.UNKNOWN)))
        if changed(update(Release).where(*ours).values(reply=_cut(answer.words), **values)):
            sum_up(mail)
            told = {"step": values["state"], "to": [claimed.target], "reply": answer.words} | (
                {"again": True} if values["next_try_at"] else {}
            )
            record(SYSTEM, Verb.MAIL_RELEASED, "mail", claimed.mail_id, after=told)
        db.session.commit()


def _outcome(answer: Answer, attempts: int) -> dict[str, Any]:
    now = stored_now()
    match answer.kind:
        case Kind.SENT:
            return {"state": Step.SENT.value, "sent_at": now, "next_try_at": None}
        case Kind.LATER if attempts < current_app.config["RELEASE_TRIES"]:
            wait = timedelta(seconds=_AFTER_SECONDS[min(attempts, len(_AFTER_SECONDS)) - 1])
            return {"state": Step.FAILED.value, "next_try_at": now + wait}
        case Kind.UNKNOWN:
            return {"state": Step.UNKNOWN.value, "next_try_at": None}
    return {"state": Step.FAILED.value, "next_try_at": None}


def _give_up_on_lost(limit: int) -> None:
    before = stored_now() - _LOST_AFTER
    lost = lost_releases(before, limit)
    db.session.rollback()
    for release_id in lost:
        with cast(PanelSession, db.session()).begin_writing():
            row = db.session.get(Release, release_id)
            mail = locked(row.mail_id) if row is not None else None
            mine = (Release.id == release_id, Release.state == Step.SENDING, Release.claimed_at < before)
            if row is not None and mail is not None and changed(update(Release).where(*mine).values(state=Step.UNKNOWN.value)):
                sum_up(mail)
                record(SYSTEM, Verb.MAIL_RELEASED, "mail", mail.id, after={"step": Step.UNKNOWN.value, "to": [row.target]})
            db.session.commit()


def _cut(words: str) -> str:
    return words if len(words) <= WORDS_LENGTH else words[: WORDS_LENGTH - 1] + "…"
