"""Keys of programs: made, used, revoked. The key itself is told once, and kept nowhere."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict
from app.extensions import PanelSession, db
from app.models import AccessKey, Verb
from app.models.people import User
from app.queries.access_keys import key_with, own_key, roles_for_keys
from app.queries.visibility import held_roles
from app.roles import may_be_of_key
from app.services.audit import record

BEGINS = "mk_"
MOST_KEYS = 50
LONGEST_DAYS = 3650
_SHAPE = re.compile(rf"{BEGINS}[A-Za-z0-9_-]{{43}}")
_SHOWN = len(BEGINS) + 8
_NAME_LENGTH = 100
_USE_SECONDS = 60


def make_key(user: User, name: str, role: str, days: int | None, *, actor: Actor) -> tuple[AccessKey, str]:
    """With the key's text, which nobody can read again. `days`: None where it is not to end by itself."""
    name = name.strip()
    if not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
        raise BadRequest(_("A key needs a name of 1 to 100 characters."))
    if role not in roles_for_keys(user):
        raise BadRequest(_("A key does no more than its owner: choose one of the roles that are offered."))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise BadRequest(_("A key lasts for 1 to %(count)s days, or does not end by itself.", count=LONGEST_DAYS))
    if (db.session.scalar(select(func.count()).where(AccessKey.user_id == user.id)) or 0) >= MOST_KEYS:
        raise Conflict(_("An account has at most %(count)s keys; revoke one first.", count=MOST_KEYS))
    text, now = BEGINS + secrets.token_urlsafe(32), _now()
    ends = None if days is None else now + timedelta(days=days)
    key = AccessKey(
        user_id=user.id, name=name, digest=digest_of(text), prefix=text[:_SHOWN], role=role, made_at=now, expires_at=ends, last_used_at=None
    )
    db.session.add(key)
    db.session.flush()
    record(actor, Verb.API_KEY_MADE, "account", user.username, after=_told(key))
    db.session.commit()
    return key, text


def revoke_key(user: User, key_id: int, *, actor: Actor) -> None:
    key = own_key(user.id, key_id)
    before = _told(key)
    db.session.delete(key)
    record(actor, Verb.API_KEY_REVOKED, "account", user.username, before=before)
    db.session.commit()


def use_key(text: str, name: str, ip: str) -> AccessKey | None:
    """None for what is no key, for one of somebody else than `name` (empty: nobody is named), and for one that counts no more: expired,
    its owner switched off, or no longer in such a role."""
    key = key_with(digest_of(text)) if is_key(text) else None
    if key is None or not _counts(key) or (name and name.casefold() not in (key.user.username.casefold(), key.user.email.casefold())):
        return None
    if key.last_used_at is None or _now() - key.last_used_at >= timedelta(seconds=_USE_SECONDS):
        _note_use(key, ip)
    return key


def is_key(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None


def shown_of(text: str) -> str:
    """What a log may tell of a wrong one: nothing, where it may be something else that was pasted in its place."""
    return text[:_SHOWN] if is_key(text) else BEGINS


def without_keys(text: str) -> str:
    """Some programs send a key as the name: what is told of that name is no key any more."""
    return _SHAPE.sub(lambda match: shown_of(match[0]), text)


def digest_of(text: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def _counts(key: AccessKey) -> bool:
    return not key.has_expired and key.user.is_active and may_be_of_key(key.role, held_roles(key.user))


def _note_use(key: AccessKey, ip: str) -> None:
    """Once a minute; the first of a day is an event. Of several requests at once one writes: the others find it written."""
    now = _now()
    today = now.replace(hour=0, minute=0, second=0)
    row, name, user_id, username = AccessKey.id == key.id, key.name, key.user_id, key.user.username
    with cast(PanelSession, db.session()).begin_writing():
        used = update(AccessKey).where(row).values(last_used_at=now, last_ip=ip or None)
        used = used.execution_options(synchronize_session=False)
        if db.session.execute(used.where(or_(AccessKey.last_used_at.is_(None), AccessKey.last_used_at < today))).rowcount:  # type: ignore[attr-defined]
            record(Actor(username, user_id, ip), Verb.LOGIN, "account", username, after={"way": "key", "key": name})
        else:
            db.session.execute(used.where(AccessKey.last_used_at <= now - timedelta(seconds=_USE_SECONDS)))
        db.session.commit()


def _told(key: AccessKey) -> dict[str, str | None]:
    ends = None if key.expires_at is None else key.expires_at.isoformat()
    return {"name": key.name, "key": key.prefix, "role": key.role, "expires": ends}


def _now() -> datetime:
    return stored_now().replace(microsecond=0)
