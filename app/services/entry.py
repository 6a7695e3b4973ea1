"""One accepted mail on its way: the report and the decisions taken when it came, as the spool keeps them."""

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import msgpack

from app.rspamd.report import Report
from app.storage.spool import Record

_VERSION = 1
_REPORT_FIELDS = tuple(field.name for field in fields(Report))


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    node: str
    report: Report
    digest: str | None
    """SHA-256 of the raw mail; None where the format had none."""
    keep: bool
    virus: str | None
    """Name of the virus found."""
    identity: str
    earlier: str
    """The identity this post would have had in the window before."""
    packed: bytes
    """The compressed raw mail where it is kept, else nothing."""

    def to_record(self) -> Record:
        report = {name: getattr(self.report, name) for name in _REPORT_FIELDS}
        head = (_VERSION, self.node, report, self.digest, self.keep, self.virus, self.identity, self.earlier)
        return Record(self.id, msgpack.packb(head), self.packed)


def from_record(record: Record) -> Entry:
    """Raises ValueError for what no version of ours has written."""
    try:
        version, node, report, digest, keep, virus, identity, earlier = msgpack.unpackb(record.head)
        if version != _VERSION:
            raise ValueError(f"spool record of version {version}")
        return Entry(record.id, node, _report(report), digest, keep, virus, identity, earlier, record.body)
    except (TypeError, KeyError, msgpack.UnpackException) as error:
        raise ValueError(f"unreadable spool record: {error}") from error


def _report(stored: dict[str, Any]) -> Report:
    """Fields a later version dropped are ignored; those it added have their defaults."""
    known: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items() if name in _REPORT_FIELDS}
    return Report(**known)


def identity_of(node: str, report: Report, digest: str, window: int) -> str:
    """What makes two posts one mail. Without a queue id the envelope has to tell two deliveries of one text apart; where there is
    neither the message nor its id (`digest` is empty), what is known of the message has to tell two messages apart."""
    parts = [node, report.queue_id, digest, str(window)]
    if not report.queue_id:
        parts += [report.ip or "", report.mail_from, *report.recipients]
        if not digest:
            parts += [report.subject, report.header_date, str(report.size), str(report.score)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
