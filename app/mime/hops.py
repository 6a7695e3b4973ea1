"""The way a message says it took: its Received fields, oldest first, with the time each step needed."""

import email.utils
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.mime.text import one_line

_MAX_HOPS = 50
_MAX_FIELD = 2000
_MAX_DATE = 100
_YEARS = range(1970, 2200)
"""The last year that can be written has no place in the zones east of Greenwich."""
_NAME = r"([^\s()\[\];,]{1,255}|\[[0-9A-Fa-f:.]{2,60}\])"
_FROM = re.compile(rf"\s*from\s+{_NAME}(?:\s+\(((?:[^()]|\([^()]{{0,200}}\)){{0,300}})\))?", re.IGNORECASE)
_BY = re.compile(rf"(?:^|\s)by\s+{_NAME}", re.IGNORECASE)
_WITH = re.compile(r"(?:^|\s)with\s+(Microsoft SMTP Server|[A-Za-z0-9-]{1,40})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,1000}\)")
# By protocol, or in one of the notes that servers write: (using TLSv1.3 with cipher ...), (version=TLS1_2 ...), (TLS1.3).
_SECURE = re.compile(r"(?:UTF8)?(?:ESMTP|SMTP|LMTP)SA?", re.IGNORECASE)
_TLS = re.compile(r"\(\s*(?:using\s+|version=)?(?:TLS|SSL)v?_?\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hop:
    sender: str
    """What the sending server called itself, and in brackets what the receiving one saw: its address and reverse name."""
    seen_as: str
    receiver: str
    protocol: str
    is_encrypted: bool
    moment: datetime | None
    """None where the date cannot be read."""
    seconds: float | None
    """Since the hop before; negative where a clock was wrong, or somebody lied."""


def hops_of(received: Iterable[str]) -> list[Hop]:
    """`received` as they stand in the message, newest first. At most 50, the newest."""
    hops: list[Hop] = []
    before: datetime | None = None
    for field in reversed(list(received)[:_MAX_HOPS]):
        hop = _hop(one_line(field), before)
        before = hop.moment or before
        hops.append(hop)
    return hops


def _hop(field: str, before: datetime | None) -> Hop:
    path, mark, date = field.rpartition(";")
    path = (path if mark else field)[:_MAX_FIELD]
    sender = _FROM.match(path)
    bare = _COMMENT.sub(" ", _COMMENT.sub(" ", path))  # brackets, also in brackets, tell of a server but are not its name
    by, protocol = _BY.search(bare), _WITH.search(bare)
    name = _protocol(protocol[1]) if protocol else ""
    moment = _moment(date)
    return Hop(
        sender=sender[1] if sender else "",
        seen_as=(sender[2] or "").strip() if sender else "",
        receiver=by[1] if by else "",
        protocol=name,
        is_encrypted=_is_secure(name) or bool(_TLS.search(path)),
        moment=moment,
        seconds=(moment - before).total_seconds() if moment and before else None,
    )


def _protocol(text: str) -> str:
    return "SMTP" if " " in text else text.upper()


def _is_secure(protocol: str) -> bool:
    return protocol.rstrip("A").endswith("S") and bool(_SECURE.fullmatch(protocol))


def _moment(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text.strip()[:_MAX_DATE])
        moment = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None
