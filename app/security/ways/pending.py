"""Logins under way at a provider: what has to be known when the visitor comes back, in his cookie and unreadable to him."""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from flask import session

from app.clock import utcnow
from app.services.sealing import seal, unseal

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
    session[_KEY] = [*_kept()[1 - _MOST :], seal(json.dumps([int(utcnow().timestamp()), values]), _KEY)]


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
    text = unseal(sealed, _KEY)
    begun, values = json.loads(text) if text is not None else (0, {})
    return Pending(**values) if values and 0 <= utcnow().timestamp() - begun < _SECONDS else None
