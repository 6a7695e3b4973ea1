"""The multipart/form-data that Rspamd's exporter writes, taken apart without copying the message twice."""

import re

from app.errors import BadRequest

_BOUNDARY = re.compile(r'boundary="?([^";]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|[;\s])name="?([^";\r\n]*)"?', re.IGNORECASE)
_MAX_PARTS = 20
_MAX_PART_HEAD = 16 << 10


def parts_of(content_type: str, body: bytes) -> dict[str, bytes]:
    """Name to content; the first of a name counts. BadRequest where the body is not what it says."""
    delimiter = b"--" + _boundary(content_type, body)
    parts: dict[str, bytes] = {}
    position = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if position == 1:
        raise BadRequest("the multipart body does not hold its boundary")
    for _ in range(_MAX_PARTS):
        position += len(delimiter)
        if body.startswith(b"--", position):
            return parts
        start = body.find(b"\r\n", position) + 2
        end = body.find(b"\r\n" + delimiter, start - 2)
        if start == 1 or end < 0:
            raise BadRequest("the multipart body ends too early")
        name, content = _part(body, start, end)
        parts.setdefault(name, content)
        position = end + 2
    raise BadRequest(f"the multipart body has more than {_MAX_PARTS} parts")


def _boundary(content_type: str, body: bytes) -> bytes:
    match = _BOUNDARY.search(content_type)
    if match:
        return match[1].strip().encode("latin-1", "replace")
    line = body[:202].split(b"\r\n", 1)[0]
    if not line.startswith(b"--") or len(line) < 4:
        raise BadRequest("the multipart body has no boundary")
    return line[2:]


def _part(body: bytes, start: int, end: int) -> tuple[str, bytes]:
    blank = start - 2 if body.startswith(b"\r\n", start) else body.find(b"\r\n\r\n", start, min(end + 2, start + _MAX_PART_HEAD))
    if blank < 0:
        raise BadRequest("a part of the multipart body has no end of its headers")
    name = ""
    for line in body[start:blank].split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            match = _NAME.search(line)
            name = match[1].decode("latin-1") if match else ""
    return name, body[blank + 4 : end]
