"""The multipart/form-data that Rspamd's exporter writes, in any order of its parts, taken apart without a second copy of the message."""

import re

from app.errors import BadRequest
from app.rspamd.body import decode_body
from app.rspamd.report import TakesTime

_BOUNDARY = re.compile(r'[;\s]boundary=(?:"([^"]{1,200})"|([^";\s]{1,200}))', re.IGNORECASE)
_FIELD = re.compile(rb"^(content-disposition|content-encoding)[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb'[;\s]name="?([^";\r\n]*)"?', re.IGNORECASE)
_END_OF_LINE = re.compile(rb"[ \t]*\r\n")
_END_OF_LAST_LINE = re.compile(rb"--[ \t]*(?:\r\n|\Z)")
_MAX_PARTS = 20
_MAX_PART_HEAD = 16 << 10


def parts_of(content_type: str, body: bytes, limit: int, is_hurried: bool = False) -> dict[str, bytes]:
    """Name to content, unpacked up to `limit` bytes; the first of a name counts. BadRequest where the body is not what it says,
    TakesTime where one is packed and that is hurried."""
    delimiter = _delimiter(content_type, body)
    first = _END_OF_LINE.match(body, len(delimiter)) if body.startswith(delimiter) else None
    start = first.end() if first else _next_line(body, delimiter, 0)[1]
    parts: dict[str, bytes] = {}
    while start >= 0:
        if len(parts) == _MAX_PARTS:
            raise BadRequest(f"the multipart body has more than {_MAX_PARTS} parts")
        end, following = _next_line(body, delimiter, start - 2)
        name, content = _part(body, start, end, limit, is_hurried)
        parts.setdefault(name or f"unnamed {len(parts)}", content)
        start = following
    return parts


def _delimiter(content_type: str, body: bytes) -> bytes:
    """As the type says; where it says nothing, or what the body does not hold, as the body begins."""
    match = _BOUNDARY.search(content_type)
    if match:
        told = b"--" + (match[1] or match[2]).rstrip().encode("latin-1", "replace")
        if body.startswith(told) or b"\r\n" + told in body:
            return told
    line = body[:203].partition(b"\r\n")[0].rstrip(b" \t")
    if not line.startswith(b"--") or not 3 <= len(line) <= 202:
        raise BadRequest("the multipart body does not hold its boundary")
    return line


def _next_line(body: bytes, delimiter: bytes, start: int) -> tuple[int, int]:
    """Where the content before the next delimiter line ends, and where that line ends: -1 for the last. Longer words are no delimiter."""
    found = body.find(b"\r\n" + delimiter, start)
    while found >= 0:
        after = found + 2 + len(delimiter)
        if line := _END_OF_LINE.match(body, after):
            return found, line.end()
        if _END_OF_LAST_LINE.match(body, after):
            return found, -1
        found = body.find(b"\r\n" + delimiter, found + 2)
    raise BadRequest("the multipart body ends too early")


def _part(body: bytes, start: int, end: int, limit: int, is_hurried: bool) -> tuple[str, bytes]:
    blank = start - 2 if body.startswith(b"\r\n", start) else body.find(b"\r\n\r\n", start, min(end + 2, start + _MAX_PART_HEAD))
    if blank < 0:
        raise BadRequest("a part of the multipart body has no end of its headers")
    fields = {match[1].lower(): match[2] for match in _FIELD.finditer(body, start, max(start, blank))}
    name = _NAME.search(fields.get(b"content-disposition", b""))
    content = body[blank + 4 : end]
    if encoding := fields.get(b"content-encoding"):
        if is_hurried:
            raise TakesTime
        content = decode_body(content, encoding.decode("latin-1"), limit)
    return name[1].decode("latin-1") if name else "", content
