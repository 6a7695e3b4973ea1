"""The metadata of one mail and its message, put together to one Report: the same from every format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.mime.headers import address_in, address_of, block_text, decode_value, header_block, parse_headers
from app.rspamd.actions import action_named
from app.rspamd.fields import Fields
from app.rspamd.report import Limits, Received, Report

_REPLACEMENT = "\ufffd"
_OWN_FIELDS = frozenset({"from", "to", "subject", "date", "message-id"})


@dataclass(frozen=True, slots=True)
class Message:
    """What came of the message itself."""

    raw: bytes | None
    broken: bool = False
    """It was sent, and cannot be read."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the message says of itself, or what Rspamd told of that."""

    message_id: str
    subject: str
    header_from: str
    from_address: str
    header_to: str
    header_date: str
    headers: str


def received(values: Mapping[str, Any], message: Message, limits: Limits, extra: Mapping[str, Any] | None = None) -> Received:
    fields = Fields(values, limits)
    raw = message.raw or None
    heading = _told(fields) if raw is None else _own(raw, fields.subject(), limits)
    report = Report(
        queue_id=fields.text("qid"),
        message_id=heading.message_id,
        action=action_named(fields.text("action")),
        score=round(fields.number("score") or 0.0, 6),
        ip=fields.address("ip"),
        user=fields.text("user"),
        mail_from=fields.text("from").strip("<>"),
        recipients=fields.recipients(),
        subject=heading.subject,
        header_from=heading.header_from,
        from_address=heading.from_address,
        header_to=heading.header_to,
        header_date=heading.header_date,
        headers=heading.headers,
        symbols=fields.symbols(),
        fuzzy=fields.texts("fuzzy"),
        scan_ms=fields.number("scan_time", at_least=0),
        rspamd_host=fields.text("rspamd_server"),
        size=int(fields.number("size", at_least=0) or len(raw or b"")),
        extra=_with_odd(extra, fields.odd | {"message"} if message.broken else fields.odd),
    )
    return Received(report, raw)


def _with_odd(extra: Mapping[str, Any] | None, odd: set[str]) -> dict[str, Any]:
    return {**(extra or {}), **({"odd": sorted(odd)} if odd else {})}


def _told(fields: Fields) -> Heading:
    senders = fields.header("header_from")
    return Heading(
        message_id=fields.message_id(),
        subject=fields.subject(),
        header_from=", ".join(senders),
        from_address=address_of(", ".join(senders)),
        header_to=", ".join(fields.header("header_to")),
        header_date="".join(fields.header("header_date")[:1]),
        headers="",
    )


def _own(raw: bytes, told_subject: str, limits: Limits) -> Heading:
    block = header_block(raw)
    limits.check_hurry(len(block))
    found: dict[str, list[bytes]] = {name: [] for name in _OWN_FIELDS}
    for name, value in parse_headers(block, _OWN_FIELDS):
        found[name].append(value)
    subject = told_subject
    if found["subject"] and (not subject or _REPLACEMENT in subject):
        subject = decode_value(found["subject"][0])
    senders = b", ".join(found["from"])
    return Heading(
        message_id=_message_id(found["message-id"]),
        subject=subject,
        header_from=decode_value(senders),
        from_address=address_in(senders),
        header_to=decode_value(b", ".join(found["to"])),
        header_date=decode_value(b"".join(found["date"][:1])),
        headers=block_text(block),
    )


def _message_id(values: list[bytes]) -> str:
    """The last one counts, as with Rspamd."""
    text = decode_value(values[-1]) if values else ""
    inside = text.partition("<")[2].partition(">")[0] if text.startswith("<") else ""
    return (inside or text).strip("<> \t")
