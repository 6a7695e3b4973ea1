"""The msgpack formats: a map whose strings are bytes of any kind, with the message, or with the content of its parts, among them."""

from dataclasses import dataclass, field
from typing import Any

import msgpack

from app.errors import BadRequest, TooLarge
from app.rspamd.report import Limits
from app.rspamd.values import as_line, as_text

_MAX_KEYS = 1000
_MAX_DEPTH = 8
_MAX_PARTS = 200
_MAX_URLS = 200
_MAX_TEXT = 500
_PART_KEYS = ("filename", "content_type", "size", "width", "height", "digest")
_URL_KEYS = ("url", "host")


@dataclass(slots=True)
class Unpacked:
    values: dict[str, Any] = field(default_factory=dict)
    message: bytes | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def is_map(body: bytes) -> bool:
    return bool(body) and _is_map_byte(body[0])


def unpack(body: bytes, limits: Limits) -> Unpacked:
    """The report without what the parts hold. BadRequest for what is no msgpack, TooLarge past the metadata limit."""
    try:
        return _Reader(body, limits).read()
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise BadRequest(f"the msgpack body cannot be read: {type(error).__name__}") from None


class _Reader:
    """Walks the outer map: what is not kept is passed over, what is kept is measured before it is built."""

    def __init__(self, body: bytes, limits: Limits) -> None:
        self._body, self._limit = body, limits.metadata_bytes
        self._unpacker = msgpack.Unpacker(raw=True, max_buffer_size=max(len(body), 1))
        self._unpacker.feed(body)
        self._kept = 0

    def read(self) -> Unpacked:
        found = Unpacked()
        for _ in range(min(self._unpacker.read_map_header(), _MAX_KEYS)):
            key = as_text(self._value())
            match key:
                case "message":
                    found.message = self._bytes()
                case "attachments" | "images":
                    if parts := self._parts():
                        found.extra[key] = parts
                case "text":
                    self._unpacker.skip()
                case _:
                    found.values[key] = _as_text_throughout(self._value())
        found.extra |= _extra(found.values)
        return found

    def _value(self) -> Any:
        start = self._unpacker.tell()
        self._unpacker.skip()
        end = self._unpacker.tell()
        self._charge(end - start)
        return msgpack.unpackb(self._body[start:end], raw=True, strict_map_key=False)

    def _charge(self, size: int) -> None:
        self._kept += size
        if self._kept > self._limit:
            raise TooLarge(f"the report has more than MAX_METADATA_BYTES = {self._limit} bytes")

    def _next_byte(self) -> int:
        position = self._unpacker.tell()
        return self._body[position] if position < len(self._body) else 0

    def _bytes(self) -> bytes | None:
        """A string of either kind; anything else is no message."""
        if _is_string_byte(self._next_byte()):
            found: bytes = self._unpacker.unpack()
            return found
        self._unpacker.skip()
        return None

    def _parts(self) -> list[dict[str, Any]]:
        if not _is_array_byte(self._next_byte()):
            self._unpacker.skip()
            return []
        parts: list[dict[str, Any]] = []
        for _ in range(self._unpacker.read_array_header()):
            part = self._part()
            if part and len(parts) < _MAX_PARTS:
                parts.append(part)
        return parts

    def _part(self) -> dict[str, Any]:
        self._charge(1)
        if not _is_map_byte(self._next_byte()):
            self._unpacker.skip()
            return {}
        part: dict[str, Any] = {}
        for _ in range(self._unpacker.read_map_header()):
            key = as_text(self._value())
            if key in _PART_KEYS:
                part[key] = _printable(self._value())
            else:
                self._unpacker.skip()
        return part


def _is_map_byte(byte: int) -> bool:
    return byte & 0xF0 == 0x80 or byte in (0xDE, 0xDF)


def _is_array_byte(byte: int) -> bool:
    return byte & 0xF0 == 0x90 or byte in (0xDC, 0xDD)


def _is_string_byte(byte: int) -> bool:
    return byte & 0xE0 == 0xA0 or byte in (0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB)


def _as_text_throughout(value: Any, depth: int = 0) -> Any:
    if isinstance(value, bytes):
        return as_text(value)
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {as_text(name): _as_text_throughout(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text_throughout(item, depth + 1) for item in value]
    return value


def _extra(values: dict[str, Any]) -> dict[str, Any]:
    """What only the structured format says, none of it long."""
    kept: dict[str, Any] = {name: _printable(values[name]) for name in ("uuid", "is_reply") if name in values}
    urls = values.get("urls")
    if isinstance(urls, list):
        kept["urls"] = [
            {name: _printable(url[name]) for name in _URL_KEYS if name in url} for url in urls[:_MAX_URLS] if isinstance(url, dict)
        ]
    return kept


def _printable(value: Any) -> str | int | bool:
    """A number as it is, anything else as a short line of text."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    text = as_line(value)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
