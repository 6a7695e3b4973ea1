"""Any request of Rspamd's metadata_exporter to a Report. The format is known by the request itself, not by its Content-Type alone."""

import binascii
import re
from collections.abc import Mapping
from typing import Any

from app.errors import BadRequest, TooLarge, Unsupported
from app.rspamd import packed
from app.rspamd.multipart import parts_of
from app.rspamd.received import Message, received
from app.rspamd.report import Limits, Received, TakesTime
from app.rspamd.values import header_bytes, header_text, load_json

_PREFIXES = ("x-rspamd-", "x_rspamd_")  # CGI knows no difference
_PREFIX_LENGTH = len(_PREFIXES[0])
_EXPECTED = (
    "expected Rspamd's metadata_exporter: multipart, json, json_with_message, msgpack, structured, or default with meta_headers = true"
)
_FIELDS = frozenset({"qid", "rcpt", "from", "action", "score", "symbols", "subject", "ip"})
_JSON_LISTS = ("rcpt", "symbols", "fuzzy")
_JSON_MESSAGE = re.compile(rb'"message"\s*:\s*"')
_FIELD_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|From ")


def parse(headers: Mapping[str, str], body: bytes, limits: Limits) -> Received:
    """`headers` have lower-case names and latin-1 values, as WSGI gives them.

    BadRequest where no report can be made of it, Unsupported where it is none of Rspamd's formats, TooLarge past a limit; TakesTime only
    where the limits are hurried.
    """
    content_type = headers.get("content-type", "")
    told = _told_in_headers(headers, limits)
    if content_type.lower().startswith("multipart/") or (not told and body.startswith(b"--")):
        return _multipart(content_type, body, limits)
    if told:
        return _with_headers(told, body, limits)
    if packed.is_map(body):
        return _msgpack(body, limits)
    if body.lstrip(b" \t\r\n").startswith(b"{"):
        return _json(body, limits)
    if _FIELD_LINE.match(body):
        raise BadRequest("the X-Rspamd-* headers are missing: the exporter rule needs meta_headers = true")
    raise Unsupported(_EXPECTED)


def _told_in_headers(headers: Mapping[str, str], limits: Limits) -> dict[str, Any]:
    told: dict[str, Any] = {}
    size = 0
    for name, value in headers.items():
        if name.startswith(_PREFIXES):
            size += len(value)
            limits.check_hurry(size)
            field = name[_PREFIX_LENGTH:].replace("-", "_")
            told[field] = header_bytes(value) if field in _JSON_LISTS else header_text(value)
    _check_metadata(size, limits)
    return told


def _with_headers(told: dict[str, Any], body: bytes, limits: Limits) -> Received:
    if _is_report(told, body, limits):
        try:
            return _msgpack(body, limits) if packed.is_map(body) else _json(body, limits)
        except (BadRequest, Unsupported):
            pass  # a message after all
    return received(told, Message(body), limits)


def _is_report(told: dict[str, Any], body: bytes, limits: Limits) -> bool:
    """meta_headers = true adds its headers to every format, so that the body may be JSON or msgpack; but a message may begin with a
    brace too. It is the message where its size is the one Rspamd tells; 3.4 tells none, there the queue id has to be in the JSON."""
    if not body.startswith(b"{") and not packed.is_map(body):
        return False
    if told.get("size"):
        return bool(told["size"] != str(len(body)))
    if len(body) - _message_length(body) > limits.metadata_bytes:
        return False
    try:
        values = _json_object(body)
    except BadRequest:
        return False
    return "symbols" in values and values.get("qid") == told.get("qid") != ""


def _json(body: bytes, limits: Limits) -> Received:
    _check_metadata(len(body) - _message_length(body), limits)
    values = _json_object(body)
    return _recognised(values, _from_base64(values.pop("message", None)), limits)


def _message_length(body: bytes) -> int:
    """Told before the JSON is read: quotes inside of other values are escaped, so this is the key and no text."""
    match = _JSON_MESSAGE.search(body)
    return max(0, body.find(b'"', match.end()) - match.start()) if match else 0


def _from_base64(text: object) -> Message:
    """A message that is no base64 is lost, and said to be; the report is not."""
    if text is None:
        return Message(None)
    try:
        raw = binascii.a2b_base64(text if isinstance(text, str) else "?")
    except ValueError:
        return Message(None, broken=True)
    return Message(raw) if _is_all_of(str(text), raw) else Message(None, broken=True)


def _is_all_of(text: str, raw: bytes) -> bool:
    """The decoder passes over what is no base64: each letter has to have its share in the bytes."""
    letters, needed = len(text) - text.count("="), -(-len(raw) * 4 // 3)
    return needed == letters or needed == letters - sum(map(text.count, " \t\r\n"))


def _multipart(content_type: str, body: bytes, limits: Limits) -> Received:
    parts = parts_of(content_type, body, limits.body_bytes, limits.is_hurried)
    if "metadata" not in parts:
        raise BadRequest("the multipart body has no part named metadata")
    _check_metadata(len(parts["metadata"]), limits)
    return received(_json_object(parts["metadata"]), Message(parts.get("message")), limits)


def _msgpack(body: bytes, limits: Limits) -> Received:
    if limits.is_hurried:
        raise TakesTime
    found = packed.unpack(body, limits)
    return _recognised(found.values, Message(found.message), limits, found.extra)


def _recognised(values: dict[str, Any], message: Message, limits: Limits, extra: Mapping[str, Any] | None = None) -> Received:
    """A map with neither a message nor one field of Rspamd's is somebody else's."""
    if message.raw is None and _FIELDS.isdisjoint(values):
        raise Unsupported(_EXPECTED)
    return received(values, message, limits, extra)


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        found = load_json(text)
    except ValueError as error:
        raise BadRequest(f"the JSON cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest("the JSON is no object")
    return found


def _check_metadata(size: int, limits: Limits) -> None:
    limits.check_hurry(size)
    if size > limits.metadata_bytes:
        raise TooLarge(f"the report has {size} bytes, more than MAX_METADATA_BYTES = {limits.metadata_bytes}")
