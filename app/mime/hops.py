"""The way a message says it took: its Received fields, oldest first, with the time each step needed."""

import email.utils
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.mime.text import one_line

_MAX_HOPS = 50
_MAX_FIELD = 2000
_FROM = re.compile(r"(?:^|\s)from\s+(\S{1,255})(?:\s+\(([^)]{0,300})\))?", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,255})", re.IGNORECASE)
_WITH = re.compile(r"(?:^|\s)with\s+([A-Za-z0-9-]{1,40})", re.IGNORECASE)
_TLS = re.compile(r"\bTLS|\busing\s+TLS|\bESMTPSA?\b|\bLMTPSA?\b|version=TLS", re.IGNORECASE)


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
        hop = _hop(one_line(field)[:_MAX_FIELD], before)
        before = hop.moment or before
        hops.append(hop)
    return hops


def _hop(field: str, before: datetime | None) -> Hop:
    text, _, date = field.rpartition(";")
    text = text or field
    sender, by, protocol = _FROM.search(text), _BY.search(text), _WITH.search(text)
    moment = _moment(date)
    return Hop(
        sender=sender[1] if sender else "",
        seen_as=(sender[2] or "").strip() if sender else "",
        receiver=by[1].rstrip(";,") if by else "",
        protocol=protocol[1].upper() if protocol else "",
        is_encrypted=bool(_TLS.search(text)),
        moment=moment,
        seconds=(moment - before).total_seconds() if moment and before else None,
    )


def _moment(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text.strip()[:100])
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
