"""From an accepted mail to its rows. What is longer than its column is cut with a visible mark and logged."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from app.mime.addresses import base_of
from app.mime.headers import address_of
from app.models import CopyState, Direction, Mail, MailDetail, MailRecipient, NoticeState, ReleaseState
from app.rspamd.marks import listing_of, risk_of
from app.services.entry import Entry
from app.services.policy import domain_of

log = logging.getLogger(__name__)
Row = dict[str, Any]

_MARK = "…"
_WIDTHS = {
    column.name: column.type.length
    for table in (MailRecipient.__table__, MailDetail.__table__, Mail.__table__)
    for column in table.columns
    if isinstance(getattr(column.type, "length", None), int)
}
_MAX_INTEGER = 2**31 - 1
ENVELOPE_FROM = "envelope_from"
"""In `extra`: the envelope sender, where it is not all lower case."""


def mail_row(entry: Entry, local_node: str, is_told: bool = False) -> Row:
    """`is_told`: see services/notice_policy."""
    report = entry.report
    mail_from, mime_from = report.mail_from.lower(), report.from_address or address_of(report.header_from)
    first = report.recipients[0].lower() if report.recipients else ""
    return {
        "id": entry.id,
        "identity": entry.identity,
        "node": entry.node,
        "queue_id": _cut(entry, "queue_id", report.queue_id),
        "message_id": _cut(entry, "message_id", report.message_id),
        "action": _cut(entry, "action", report.action),
        "score": report.score,
        "direction": Direction.OUT if report.user else Direction.IN,
        "auth_user": _cut(entry, "auth_user", report.user),
        "ip": report.ip,
        "mail_from": _cut(entry, "mail_from", mail_from),
        "mail_from_domain": _cut(entry, "mail_from_domain", domain_of(mail_from)),
        "mime_from": _cut(entry, "mime_from", mime_from),
        "mime_from_domain": _cut(entry, "mime_from_domain", domain_of(mime_from)),
        "subject": _cut(entry, "subject", report.subject),
        "first_rcpt": _cut(entry, "first_rcpt", first),
        "rcpt_count": len({address.lower() for address in report.recipients}),
        "size": min(report.size, _MAX_INTEGER),
        "has_virus": entry.virus is not None,
        "has_risk": risk_of(report.symbols),
        "listed": listing_of(report.symbols),
        "copy_state": CopyState.STORED if entry.keep else CopyState.NONE,
        "copy_digest": entry.digest,
        "copy_node": local_node if entry.keep else None,
        "notice_state": NoticeState.DUE if is_told else NoticeState.NONE,
        "release_state": ReleaseState.NONE,
    }


def detail_row(entry: Entry) -> Row:
    report = entry.report
    return {
        "mail_id": entry.id,
        "header_from": report.header_from,
        "header_to": report.header_to,
        "header_date": _cut(entry, "header_date", report.header_date),
        "headers": report.headers,
        "symbols": orjson.dumps(report.symbols).decode(),
        "fuzzy": orjson.dumps(report.fuzzy).decode(),
        "virus": _cut(entry, "virus", entry.virus or ""),
        "extra": orjson.dumps(report.extra | _spelling(report.mail_from)).decode(),
        "scan_ms": report.scan_ms,
        "rspamd_host": _cut(entry, "rspamd_host", report.rspamd_host),
        "copy_bytes": len(entry.packed) if entry.keep else None,
    }


def _spelling(mail_from: str) -> dict[str, str]:
    """What comes before the @ may mean something else in lower case: a released mail has the sender it came with."""
    return {} if mail_from == mail_from.lower() else {ENVELOPE_FROM: mail_from}


def recipient_rows(entry: Entry, plus: str, wishes: Mapping[tuple[int, str], str]) -> list[Row]:
    """One per address: the MTA's duplicates and upper case count once, the first spelling is kept. `wishes`: see services/personal."""
    given: dict[str, str] = {}
    for address in entry.report.recipients:
        given.setdefault(_cut(entry, "address", address.lower()), address)
    return [
        {
            "mail_id": entry.id,
            "position": position,
            "address": address,
            "domain": _cut(entry, "domain", domain_of(address)),
            "given": None if spelling == address else _cut(entry, "given", spelling),
            "base": base_of(address, plus),
            "personal": wishes.get((entry.id, address)),
        }
        for position, (address, spelling) in enumerate(given.items())
    ]


def _cut(entry: Entry, column: str, value: str) -> str:
    width = _WIDTHS[column]
    if len(value) <= width:
        return value
    log.warning("mail %d: %s has %d characters, kept the first %d", entry.id, column, len(value), width - 1)
    return value[: width - 1] + _MARK
