"""The second factor of an account: set up, shown at a login, renewed, and taken away."""

import logging
from datetime import timedelta
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now, utcnow
from app.errors import BadRequest, Conflict, NotFound, TooManyTries, Unavailable
from app.extensions import PanelSession, db
from app.models import RecoveryCode, SecondFactor, Verb
from app.models.people import User
from app.queries.people import Reach
from app.services.audit import record
from app.services.one_time_codes import is_code, is_recovery_code, matching_step, new_recovery_code, new_secret, plain, step_of
from app.services.sealing import keyed_digest, seal, unseal
from app.services.sessions import end_all_sessions

log = logging.getLogger(__name__)

CODE, RECOVERY_CODE = "code", "recovery code"
RECOVERY_CODES = 10
MOST_TRIES = 5
REST = timedelta(minutes=15)
_PURPOSE = "recovery code"


def offer(user: User) -> str:
    """A new secret, encrypted for this account: it goes through the browser and back, and is kept nowhere until a code proves it."""
    return seal(new_secret(), _offered_to(user))


def secret_offered(user: User, offered: str) -> str | None:
    return unseal(offered, _offered_to(user))


def set_up(user: User, offered: str, code: str, *, actor: Actor) -> list[str]:
    """The recovery codes. All logins of the account end: they were made without it."""
    secret = secret_offered(user, offered)
    if user.second_factor is not None:
        raise Conflict(_("This account has a second factor already."))
    step = matching_step(secret, plain(code), _now(), 0) if secret else None
    if secret is None or step is None:
        raise BadRequest(_("That is not the code your device shows now. Is its clock right?"))
    sealed = seal(secret, _belongs_to(user))
    db.session.add(SecondFactor(user_id=user.id, secret=sealed, last_step=step, tries=0, confirmed_at=stored_now()))
    codes = _make_codes(user)
    try:
        record(actor, Verb.FACTOR_SET, "account", user.username)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(_("This account has a second factor already.")) from None
    end_all_sessions(user.id)
    return codes


def take_code(user: User, text: str) -> str | None:
    """CODE or RECOVERY_CODE where it is right, and from then on used up."""
    if user.second_factor is None:
        return None
    word = plain(text)
    if is_recovery_code(word):
        return _take_recovery_code(user, word)
    return _take_code(user, word) if is_code(word) else None


def _take_recovery_code(user: User, word: str) -> str | None:
    theirs = RecoveryCode.user_id == user.id, RecoveryCode.digest == keyed_digest(word, _PURPOSE), RecoveryCode.used_at.is_(None)
    taken = _changed(update(RecoveryCode).where(*theirs).values(used_at=stored_now()))
    return RECOVERY_CODE if taken else None


def _take_code(user: User, word: str) -> str | None:
    mine, sealed, last_step = SecondFactor.user_id == user.id, user.second_factor.secret, user.second_factor.last_step
    # Six digits can be guessed by who has the password and many addresses: tries are counted for all processes, before one is looked at.
    rested = SecondFactor.tries >= MOST_TRIES, SecondFactor.tried_at <= stored_now() - REST
    _changed(update(SecondFactor).where(mine, *rested).values(tries=0))
    tried = update(SecondFactor).where(mine, SecondFactor.tries < MOST_TRIES)
    if not _changed(tried.values(tries=SecondFactor.tries + 1, tried_at=stored_now())):
        raise TooManyTries(_("Too many wrong codes: for a quarter of an hour only a recovery code counts."))
    secret = unseal(sealed, _belongs_to(user))
    if secret is None:
        log.error("second factor of %s: cannot be read; SECRET_KEY is not what it was", user.username)
        raise Unavailable(_("Your second factor cannot be read any more. An administrator has to take it away."))
    step = matching_step(secret, word, _now(), last_step)
    if step is None:
        return None
    taken = _changed(update(SecondFactor).where(mine, SecondFactor.last_step < step).values(last_step=step, tries=0))
    return CODE if taken else None


def renew_codes(user: User, *, actor: Actor) -> list[str]:
    """The ones before count no more."""
    if user.second_factor is None:
        raise NotFound(_("This account has no second factor."))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = _make_codes(user)
    record(actor, Verb.CODES_MADE, "account", user.username)
    db.session.commit()
    return codes


def remove(user: User, *, actor: Actor) -> None:
    """All logins of the account end."""
    removed = db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    if not removed.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise NotFound(_("This account has no second factor."))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    record(actor, Verb.FACTOR_REMOVED, "account", user.username)
    db.session.commit()
    end_all_sessions(user.id)


def take_away(reach: Reach, user: User, *, actor: Actor) -> None:
    """By whoever looks after the account, for a lost device."""
    reach.must_hold_all_of(user)
    remove(user, actor=actor)


def codes_left(user: User) -> int:
    return db.session.scalar(select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))) or 0


def _make_codes(user: User) -> list[str]:
    codes = [new_recovery_code() for _number in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, digest=keyed_digest(plain(code), _PURPOSE)) for code in codes)
    return codes


def _changed(statement) -> bool:  # type: ignore[no-untyped-def]
    """Of several at once, one sees True."""
    with cast(PanelSession, db.session()).begin_writing():
        found = db.session.execute(statement, execution_options={"synchronize_session": False})
        db.session.commit()
    return bool(found.rowcount)  # type: ignore[attr-defined]


def _belongs_to(user: User) -> str:
    return f"second factor of {user.id}"


def _offered_to(user: User) -> str:
    """Not to be mixed up with what counts already. Ends with the day: a page that somebody left open is no way in for ever."""
    return f"second factor offered to {user.id} on {utcnow():%Y-%m-%d}"


def _now() -> int:
    return step_of(utcnow().timestamp())
