"""How programs say who they are: with a key, or a name and password, in the Authorization header of each request to the API.

No session, no cookie and no CSRF token. That is safe as long as no browser sends such a header by itself: so nothing here ever asks for one
(no WWW-Authenticate: a browser would ask its visitor, and from then on send the answer along with whatever any page makes it ask for), it
never counts beside a session's cookie, and what bears the marks of a browser still needs its token to change anything.
"""

import base64
import binascii
from typing import Any

from flask import Flask, Request, current_app, request
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address

from app.errors import NotAuthenticated
from app.extensions import csrf
from app.models.people import User
from app.queries.visibility import narrow_to
from app.security.limits import login_rate
from app.security.logins import login_failed
from app.security.owed import refuse_debtor
from app.security.patience import Patience
from app.security.proven import Proven
from app.security.second_step import may_use_password_alone, note
from app.security.sessions import address_of
from app.security.stamp import is_stamp_of, stamp_of
from app.security.ways import proven
from app.services.access_keys import BEGINS, is_key, shown_of, use_key

_DOOR, _LOGIN = "/api/v1/", "/api/v1/security/"
_LONGEST = 4096
_OF_BROWSERS = ("Origin", "Sec-Fetch-Site")


def init_app(app: Flask) -> None:
    app.extensions["mailkeep_proven"] = Proven()
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # checked here, for all but programs
    app.before_request(_check_token)
    app.before_request(_let_in)


def _check_token() -> None:
    if current_app.config["WTF_CSRF_ENABLED"] and not _is_no_browser(request):
        csrf.protect(apply_exemptions=True)


def _is_no_browser(asked: Request) -> bool:
    """Whether it carries nothing that a browser adds by itself, and so cannot have been forged by a page."""
    return _counts_in(asked) and not any(name in asked.headers for name in _OF_BROWSERS)


def _counts_in(asked: Request) -> bool:
    at_the_door = asked.endpoint is not None and asked.path.startswith(_DOOR) and not asked.path.startswith(_LOGIN)
    cookie = current_app.session_interface.get_cookie_name(current_app)  # type: ignore[attr-defined]
    return at_the_door and "Authorization" in asked.headers and cookie not in asked.cookies


def _let_in() -> None:
    if not _counts_in(request):
        return
    scheme, _blank, rest = request.headers["Authorization"].partition(" ")
    if scheme.lower() == "bearer" and rest.strip().startswith(BEGINS):
        user = _by_key("", rest.strip())
    elif scheme.lower() == "basic":
        name, secret = _name_and_secret(rest)
        user = _by_key(name, secret) if is_key(secret) else _by_password(name, secret)
    else:
        return  # a token of FAB's, or nothing we know
    current_app.login_manager._update_request_context_with_user(user)  # type: ignore[attr-defined]


def _name_and_secret(encoded: str) -> tuple[str, str]:
    try:
        if len(encoded) > _LONGEST:
            raise ValueError(encoded[:8])
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise _refused() from None
    if not (colon and name.strip() and secret) or "\0" in name + secret:
        raise _refused()
    return name.strip(), secret


def _by_key(name: str, text: str) -> User:
    """A right key never waits: guessing one is beyond anybody, so what comes late is only what was wrong."""
    key = use_key(text, name, address_of(request.remote_addr) or "")
    if key is not None:
        refuse_debtor(key.user)
        narrow_to(key.user, key.role)
        return key.user
    shown = name or shown_of(text)
    _count_try()
    patience: Patience = current_app.extensions["mailkeep_patience"]
    patience.wait(shown, get_remote_address())
    login_failed(shown, "key")
    raise _refused()


def _by_password(name: str, password: str) -> User:
    remembered: Proven = current_app.extensions["mailkeep_proven"]
    proof = remembered.find(name, password)
    if proof is not None:
        user = current_app.extensions["appbuilder"].sm.load_user(proof.user_id)
        if user is not None and is_stamp_of(user, proof.stamp) and may_use_password_alone(user):
            return user  # type: ignore[no-any-return]
    _count_try()
    found = proven(name, password)
    if found is None:
        raise _refused()
    user, way = found
    if not may_use_password_alone(user):
        login_failed(user.username, "second factor")
        raise _refused()
    refuse_debtor(user, way)
    note(user, way)
    remembered.keep(name, password, user.id, stamp_of(user))
    return user


def _count_try() -> None:
    """Beside those of the login form, against the same limit."""
    limiter: Any = current_app.extensions["appbuilder"].sm.limiter
    with limiter.limit(login_rate, key_func=get_remote_address):
        pass


def _refused() -> NotAuthenticated:
    """One sentence for all: it tells nobody that the password alone was right."""
    return NotAuthenticated(_("Wrong name, password or key. An account with a second factor needs a key."))
