"""What Rspamd said about one mail, clean and typed: the same Report whatever the wire format was."""

from dataclasses import dataclass, field
from typing import Any

_HURRIED_BYTES = 32 << 10
"""Of a report, and of a message's headers, that is read at once."""


class TakesTime(Exception):
    """It is to be read by a thread that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From config.py; a body past one of them is refused with TooLarge, naming the limit."""

    body_bytes: int = 64 << 20
    metadata_bytes: int = 2 << 20
    header_bytes: int = 512 << 10
    recipients: int = 5000
    symbols: int = 2000
    is_hurried: bool = False
    """Others wait for the thread that reads: TakesTime for what a few milliseconds may not be enough for, whoever has made it so."""

    def check_hurry(self, size: int) -> None:
        if self.is_hurried and size > _HURRIED_BYTES:
            raise TakesTime


@dataclass(frozen=True, slots=True)
class Report:
    """All text is valid Unicode without NUL. Nothing here is cut to a column's width yet: services/rows.py does that."""

    queue_id: str = ""
    message_id: str = ""
    """Without angle brackets."""
    action: str = ""
    """Lower case, as Rspamd names it: "no action", "add header", ..."""
    score: float = 0.0
    ip: str | None = None
    """Canonical text, or None where Rspamd knew none."""
    user: str = ""
    mail_from: str = ""
    """Envelope sender as given; empty for the null sender and where unknown."""
    recipients: tuple[str, ...] = ()
    """Envelope recipients as given: any case, duplicates, order kept."""
    subject: str = ""
    header_from: str = ""
    from_address: str = ""
    """The address in header_from, lower case: told from the undecoded field where the message was sent."""
    header_to: str = ""
    header_date: str = ""
    headers: str = ""
    """The message's own header block; empty where the message was not sent."""
    symbols: tuple[dict[str, Any], ...] = ()
    """Each {name: str, score: float, weight?: float, group?: str, groups?: [str], options?: [str]}, sorted by name."""
    fuzzy: tuple[str, ...] = ()
    scan_ms: float | None = None
    rspamd_host: str = ""
    size: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    """What else the format had and a reader may want: uuid, is_reply, urls, attachments, images of `structured`."""


@dataclass(frozen=True, slots=True)
class Received:
    report: Report
    raw: bytes | None
    """The message byte for byte, or None where the format has none (json, structured)."""
