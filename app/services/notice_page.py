"""What the page behind a link demands before its button counts: that somebody has read it for a while, and no longer than a while ago."""

import hmac

from app.clock import utcnow
from app.services.sealing import keyed_digest

SOONEST_MS = 2_000
"""Nobody reads what it is about, chooses and presses in less; programs do."""
_LATEST_MS = 3_600_000


def page_token(link: str) -> str:
    """For the form of a page that is shown now."""
    shown = int(utcnow().timestamp() * 1000)
    return f"{shown}.{_seal(link, shown)}"


def is_read(link: str, token: str) -> bool:
    """Whether the page of this very link was shown, long enough ago and not too long."""
    text, _dot, seal = token.partition(".")
    if not (text.isascii() and text.isdigit() and len(text) < 15):
        return False
    shown = int(text)
    age = utcnow().timestamp() * 1000 - shown
    return hmac.compare_digest(seal.encode(), _seal(link, shown).encode()) and SOONEST_MS <= age <= _LATEST_MS


def _seal(link: str, shown: int) -> str:
    return keyed_digest(f"{shown} {link}", "notice pages")[:32]
