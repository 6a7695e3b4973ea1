"""Any request of Rspamd's metadata_exporter to a Report. The format is known by the request itself, not by its Content-Type alone."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgpack

from app.errors import BadRequest, TooLarge, Unsupported
from app.mime.headers import clean, decode_value, header_block, parse_headers
from app.rspamd.fields import Fields, as_text, header_text, load_json
from app.rspamd.multipart import parts_of
from app.rspamd.report import Limits, Received, Report

_PREFIX = "x-rspamd-"
_EXPECTED = (
    "expected Rspamd's metadata_exporter: multipart, json, json_with_message, msgpack, structured, or default with meta_headers = true"
)
_REPLACEMENT = "\ufffd"
_JSON_LISTS = ("rcpt", "symbols", "fuzzy")


def parse(headers: Mapping[str, str], body: bytes, limits: Limits) -> Received:
    """`headers` have lower-case names and latin-1 values, as WSGI gives them.

    BadRequest where no report can be made of it, Unsupported where it is none of Rspamd's formats, TooLarge past a limit.
    """
    content_type = headers.get("content-type", "")
    meta = {name[len(_PREFIX) :].replace("-", "_"): value for name, value in headers.items() if name.startswith(_PREFIX)}
    if content_type.lower().startswith("multipart/") or (not meta and body.startswith(b"--")):
        return _multipart(content_type, body, limits)
    if meta:
        return _default(meta, body, limits)
    if body[:1] and (body[0] & 0xF0 == 0x80 or body[0] in (0xDE, 0xDF)):
        return _msgpack(body, limits)
    if body.lstrip(b" \t\r\n").startswith(b"{"):
        return _json(body, limits)
    if b":" in body[:200].split(b"\n", 1)[0]:
        raise BadRequest("the X-Rspamd-* headers are missing: the exporter rule needs meta_headers = true")
    raise Unsupported(_EXPECTED)


def _default(meta: dict[str, str], body: bytes, limits: Limits) -> Received:
    _check_metadata(sum(map(len, meta.values())), limits)
    values: dict[str, Any] = {}
    for name, value in meta.items():
        values[name] = value.encode("latin-1", "replace") if name in _JSON_LISTS else header_text(value)
    return _received(Fields(values, limits), body)


def _json(body: bytes, limits: Limits) -> Received:
    values = _json_object(body)
    message = values.pop("message", None)
    _check_metadata(len(body) - (len(message) if isinstance(message, str) else 0), limits)
    fields = Fields(values, limits)
    raw = None
    if isinstance(message, str):
        try:
            raw = base64.b64decode(message, validate=False)
        except (binascii.Error, ValueError):
            raise BadRequest("the message is not base64") from None
    return _received(fields, raw)


def _multipart(content_type: str, body: bytes, limits: Limits) -> Received:
    parts = parts_of(content_type, body)
    if "metadata" not in parts:
        raise BadRequest("the multipart body has no part named metadata")
    _check_metadata(len(parts["metadata"]), limits)
    return _received(Fields(_json_object(parts["metadata"]), limits), parts.get("message"))


def _msgpack(body: bytes, limits: Limits) -> Received:
    try:
        found = msgpack.unpackb(body, raw=True, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise BadRequest(f"the msgpack body cannot be read: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise Unsupported(_EXPECTED)
    values = {as_text(name): value for name, value in found.items() if isinstance(name, bytes | str)}
    message = values.pop("message", None)
    raw = message if isinstance(message, bytes) else None
    for name in ("text", "attachments", "images"):
        values[name] = _without_content(values.get(name))
    readable = {name: _unbyte(value) for name, value in values.items() if value is not None}
    return _received(Fields(readable, limits), raw, _extra(readable))


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        found = load_json(text)
    except ValueError as error:
        raise BadRequest(f"the JSON cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest("the JSON is no object")
    return found


def _check_metadata(size: int, limits: Limits) -> None:
    if size > limits.metadata_bytes:
        raise TooLarge(f"the report has {size} bytes, more than MAX_METADATA_BYTES = {limits.metadata_bytes}")


def _received(fields: Fields, raw: bytes | None, extra: dict[str, Any] | None = None) -> Received:
    own = _own_headers(raw)
    subject = fields.text("subject")
    if raw is not None and "subject" in own and (not subject or _REPLACEMENT in subject):
        subject = decode_value(own["subject"])
    report = Report(
        queue_id=fields.text("qid"),
        message_id=_header(own, "message-id", fields.text("message_id")).strip("<> \t"),
        action=fields.text("action").lower(),
        score=round(fields.number("score") or 0.0, 6),
        ip=fields.address("ip"),
        user=fields.text("user"),
        mail_from=fields.text("from").strip("<>"),
        recipients=fields.recipients(),
        subject=subject,
        header_from=_header(own, "from", fields.text("header_from")),
        header_to=_header(own, "to", fields.text("header_to")),
        header_date=_header(own, "date", fields.text("header_date")),
        headers=clean(own[""].decode("utf-8", "replace")) if own else "",
        symbols=fields.symbols(),
        fuzzy=fields.texts("fuzzy"),
        scan_ms=fields.number("scan_time"),
        rspamd_host=fields.text("rspamd_server"),
        size=int(fields.number("size") or len(raw or b"")),
        extra=(extra or {}) | ({"odd": sorted(fields.odd)} if fields.odd else {}),
    )
    return Received(report, raw)


def _own_headers(raw: bytes | None) -> dict[str, bytes]:
    """The first of each field the message itself has, and under "" the whole block; empty without a message."""
    if raw is None:
        return {}
    block = header_block(raw)
    found = {"": block}
    for name, value in parse_headers(block):
        if name in found and name in ("from", "to"):
            found[name] += b", " + value  # two From lines: both are shown
        else:
            found.setdefault(name, value)
    return found


def _header(own: dict[str, bytes], name: str, told: str) -> str:
    """The message's own field; what Rspamd told of it where there is no message."""
    return decode_value(own.get(name, b"")) if own else told


def _unbyte(value: Any, depth: int = 0) -> Any:
    """msgpack's byte strings as text, all the way down."""
    if isinstance(value, bytes):
        return as_text(value)
    if depth > 8:
        return None
    if isinstance(value, dict):
        return {as_text(name): _unbyte(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unbyte(item, depth + 1) for item in value]
    return value


def _without_content(value: Any) -> Any:
    """Parts of a structured report: what they are, never what they hold."""
    if not isinstance(value, list):
        return None
    return [
        {name: item for name, item in part.items() if name not in (b"content", b"data")} for part in value[:200] if isinstance(part, dict)
    ]


def _extra(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: values[name] for name in ("uuid", "is_reply", "attachments", "images") if values.get(name)}
    urls = values.get("urls")
    if isinstance(urls, list) and urls:
        kept["urls"] = [as_text(url.get("url", ""))[:500] for url in urls[:200] if isinstance(url, dict)]
    return {name: _printable(value) for name, value in kept.items()}


def _printable(value: Any) -> Any:
    """Only what JSON can hold, none of it long."""
    if isinstance(value, dict):
        return {str(name)[:64]: _printable(item) for name, item in list(value.items())[:50]}
    if isinstance(value, list):
        return [_printable(item) for item in value[:200]]
    return value[:2000] if isinstance(value, str) else value if isinstance(value, bool) or value is None else str(value)[:100]
