"""The ways in that ask for a name and a password, behind one form: none that is away keeps another from letting people in."""

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.security.utils import is_null_password
from flask_babel import gettext as _

from app.errors import NotAllowed, Unavailable
from app.security.logins import login_failed
from app.security.owed import refuse_debtor
from app.security.patience import Patience, wait_to_try
from app.security.second_step import may_use_password_alone, note
from app.security.ways import directory, local, oidc, proxy
from app.services import logins
from app.services.logins import Identity

__all__ = ["WAYS", "Identity", "log_in", "proven"]

WAYS = (local, directory)
_LONGEST_NAME, _LONGEST_PASSWORD = 320, 1024


def init_app(app: Flask) -> None:
    app.extensions["mailkeep_patience"] = Patience(max(2, app.config["THREADS"] // 8))
    directory.prepare(app)
    proxy.prepare(app)
    oidc.prepare(app)


def log_in(username: str, password: str) -> User | None:
    """For programs, which have the password alone: who has a second factor, or owes something, is refused in words."""
    found = proven(username, password)
    if found is None:
        return None
    user, way = found
    if not may_use_password_alone(user):
        login_failed(user.username, "second factor")
        raise NotAllowed(_("This account has a second factor, so its password alone opens nothing here. Use an API key."))
    refuse_debtor(user, way)
    note(user, way)
    return user


def proven(username: str, password: str) -> tuple[User, str] | None:
    """Whose password that is, and the way that says so; not yet a login. None for a wrong name as for a wrong password.
    Unavailable: nobody knew better, and a way that might does not answer."""
    name = username.strip()
    forgive = wait_to_try(name)
    if not _can_be_right(name, password):
        login_failed(name, "password")
        return None
    away: Unavailable | None = None
    for way in WAYS:
        try:
            user = _let_in(way.check(name, password))
        except Unavailable as error:
            away = error
            continue
        if user is not None:
            forgive()
            return user, "password" if way is local else "directory"
    logins.count_failure(name)
    login_failed(name, "password")
    if away is not None:
        raise away
    return None


def _let_in(found: Identity | User | None) -> User | None:
    user = logins.account_of(found) if isinstance(found, Identity) else found
    return user if user is not None and user.is_active else None


def _can_be_right(name: str, password: str) -> bool:
    try:
        return bool(name) and len(name.encode()) <= _LONGEST_NAME and len(password.encode()) <= _LONGEST_PASSWORD and _is_filled(password)
    except UnicodeEncodeError:  # half a character, which JSON can carry
        return False


def _is_filled(password: str) -> bool:
    return not is_null_password(password) and bool(password.strip("\0 \t\r\n"))
