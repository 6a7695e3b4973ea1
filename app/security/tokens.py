"""The API's tokens: each is of a login that is kept as a browser's is, stands on the same list, and ends with it."""

import secrets
from typing import Any

from flask import g, has_request_context, request
from flask_jwt_extended import get_jwt

from app.security.sessions import address_of, agent_of, digest_of
from app.services.session_record import Record, whole_seconds
from app.services.sessions import session_store

LOGIN = "login"
_RENEW_SECONDS = 60


def login_of_token(user_id: int) -> str:
    """The same for the two tokens of one login, and for one that is made for the other; else it begins now."""
    if not has_request_context():
        return ""
    try:
        return str(get_jwt().get(LOGIN, ""))
    except RuntimeError:  # no token came with this request: it is the login
        if "token_login" not in g:
            g.token_login = secrets.token_urlsafe(32)
            _begin(_digest(g.token_login), user_id)
        return str(g.token_login)


def is_login_there(claims: dict[str, Any], user_id: int) -> bool:
    digest = _digest(str(claims.get(LOGIN, "")))
    record = session_store().load(digest)
    if record is None or record.user_id != user_id:
        return False
    if (whole_seconds() - record.seen_at).total_seconds() >= _RENEW_SECONDS:
        session_store().renew(digest)
    return True


def _begin(digest: str, user_id: int) -> None:
    now = whole_seconds()
    session_store().add(Record(digest, user_id, {}, now, now, address_of(request.remote_addr), agent_of(request)))


def _digest(login: str) -> str:
    """Of another text than a cookie's, so that neither opens the other's door."""
    return digest_of(f"token {login}")
