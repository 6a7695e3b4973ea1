"""Between the right password and the login: who has a second factor is nobody yet, and has five minutes to show it.

What is kept meanwhile stands in the visitor's signed cookie: whose password was right, and the stamp, so that it ends with the password.
"""

from typing import Any

from flask import current_app, session
from flask_babel import gettext as _
from flask_login import login_user
from werkzeug.security import check_password_hash

from app.clock import utcnow
from app.errors import BadRequest, TooManyTries
from app.models.people import User
from app.security.logins import logged_in, login_failed
from app.security.patience import wait_to_try
from app.security.sessions import this_browser
from app.security.stamp import is_stamp_of, stamp_of
from app.services import logins
from app.services.second_factor import take_code

WAY = "_way"
_PENDING = "_second_step"
_SECONDS = 300
_LONGEST = 1024


def is_asked_after(way: str) -> bool:
    """`oidc:NAME` is one of the ways called oidc."""
    return not way or way.partition(":")[0] in current_app.config["SECOND_FACTOR_WAYS"]


def is_needed(user: Any, way: str) -> bool:
    return user.second_factor is not None and is_asked_after(way)


def may_use_password_alone(user: Any) -> bool:
    """For programs, which cannot be asked for more: with a password at any door, whatever browsers are asked after that way."""
    return user.second_factor is None


def let_in(user: User, way: str) -> bool:
    """False: a code is still wanted."""
    if not is_needed(user, way):
        _begin(user, way, way)
        return True
    session[_PENDING] = {"user": user.id, "stamp": stamp_of(user), "way": way, "at": int(utcnow().timestamp())}
    return False


def who_is_asked() -> tuple[User, str] | None:
    """And the way they came."""
    kept = session.get(_PENDING)
    if not isinstance(kept, dict):
        return None
    user = logins.user_by_id(kept["user"])
    fresh = 0 <= utcnow().timestamp() - kept["at"] < _SECONDS
    if fresh and user is not None and user.is_active and is_stamp_of(user, kept["stamp"]) and user.second_factor is not None:
        return user, kept["way"]
    session.pop(_PENDING)
    return None


def show_code(user: User, way: str, text: str) -> bool:
    """The step itself: wrong codes are delayed, counted and told like wrong passwords."""
    try:
        how = _taken(user, text)
    except TooManyTries:
        login_failed(user.username, "second factor")
        raise
    if how is None:
        name = user.username
        logins.count_failure(name)
        login_failed(name, "second factor")
        return False
    session.pop(_PENDING, None)
    _begin(user, way, f"{way}, {how}")
    return True


def _taken(user: User, text: str) -> str | None:
    # A name of its own: who has the password is at home with the password, not here.
    forgive = wait_to_try(f"second factor of {user.id}")
    how = take_code(user, text)
    if how is not None:
        forgive()
    return how


def prove(user: User, text: str) -> None:
    """That it is they who sit there, before the factor is changed: by the password of ours, or by a code."""
    if user.second_factor is None or not text.strip():  # nothing to guess here
        raise BadRequest(_("That is neither your password nor a code that counts."))
    forgive = wait_to_try(user.username)
    if not (user.password and check_password_hash(user.password, text[:_LONGEST])) and take_code(user, text) is None:
        raise BadRequest(_("That is neither your password nor a code that counts."))
    forgive()


def begin_anew(user: User) -> None:
    """This browser goes on, under a new id, where all logins of the account have ended."""
    this_browser().begin(user.id, stamp_of(user))


def _begin(user: User, way: str, told: str) -> None:
    note(user, told)
    session[WAY] = way
    login_user(user, remember=False)


def note(user: User, told: str) -> None:
    current_app.extensions["appbuilder"].sm.update_user_auth_stat(user, True)
    logged_in(user, told)
