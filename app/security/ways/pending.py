"""Logins under way at a provider: what has to be known when the visitor comes back, in his cookie and unreadable to him."""

import base64
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app, session

_KEY = "logins_under_way"
_SECONDS = 900
_MOST = 3
_LONGEST_NEXT = 400


@dataclass(frozen=True, slots=True)
class Pending:
    provider: str
    state: str
    nonce: str
    verifier: str
    next: str = ""


def put(pending: Pending) -> None:
    """Beside those of other tabs."""
    values = asdict(pending)
    if len(pending.next) > _LONGEST_NEXT:
        values["next"] = ""
    sealed = _box().encrypt(json.dumps(values).encode()).decode()
    session[_KEY] = [*_kept()[1 - _MOST :], sealed]


def take(provider: str, state: str) -> Pending | None:
    """Once only: None for what was not begun in this browser, with this provider, a quarter of an hour ago at most."""
    found, others = None, []
    for sealed in _kept():
        pending = _opened(sealed)
        if pending is None:
            continue
        if pending.provider == provider and secrets.compare_digest(pending.state.encode(), state.encode("utf-8", "replace")):
            found = pending
        else:
            others.append(sealed)
    forget()
    if others:
        session[_KEY] = others
    return found


def forget() -> None:
    session.pop(_KEY, None)


def _kept() -> list[str]:
    kept: Any = session.get(_KEY)
    return [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []


def _opened(sealed: str) -> Pending | None:
    try:
        return Pending(**json.loads(_box().decrypt(sealed.encode(), ttl=_SECONDS)))
    except InvalidToken:
        return None


def _box() -> Fernet:
    key = hmac.digest(str(current_app.secret_key).encode(), b"mailkeep: logins under way", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))
