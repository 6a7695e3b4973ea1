"""The parts of a message: found in its bytes by offset, copied nowhere, and bounded whatever the message claims."""

import re
from dataclasses import dataclass
from enum import StrEnum, unique

from app.mime.headers import header_block, parse_headers
from app.mime.parameters import boundary_of, media_type, split_parameters
from app.mime.words import decode_value

_FIELDS = frozenset({"content-type", "content-transfer-encoding", "content-disposition", "content-id", "content-location"})
_PART_HEADER_BYTES = 64 << 10
_HEADER_BYTES = 1 << 20
"""Of the message itself: a To may name thousands."""
_ALL_HEADERS_BYTES = 8 << 20
# What may stand behind a boundary in its line.
_REST = re.compile(rb"(?:(--)-{0,8})?[ \t]{0,200}(?:\r?\n|\r|\Z)")
_LONGEST_NAME = 1000
_SHOWN_TYPES = frozenset({"text/plain", "text/html"})


@unique
class Omitted(StrEnum):
    """What was not looked at, because a message may ask for more than anybody has time for."""

    PARTS = "parts"
    DEPTH = "depth"
    TEXT = "text"
    IMAGES = "images"
    CONTENT = "content"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Part:
    index: int
    depth: int
    type: str
    """As declared, lower case: "text/html"; what is no media type is "application/octet-stream"."""
    charset: str
    name: str
    disposition: str
    encoding: str
    content_id: str
    start: int
    """Of the content, behind the part's header."""
    end: int

    @property
    def is_attachment(self) -> bool:
        """All that is not shown as text: no part is in neither place."""
        return self.disposition == "attachment" or self.type not in _SHOWN_TYPES or bool(self.name)


@dataclass(frozen=True, slots=True)
class Limits:
    parts: int = 500
    depth: int = 20


@dataclass(frozen=True, slots=True)
class Outline:
    parts: tuple[Part, ...]
    """Leaves only, in their order; `index` names one of them for good."""
    omitted: frozenset[Omitted]


def outline(raw: bytes, limits: Limits | None = None) -> Outline:
    walk = _Walk(raw, limits or Limits())
    walk.run()
    return Outline(tuple(walk.leaves), frozenset(walk.omitted))


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    depth: int
    default: str


class _Walk:
    """Depth first, with a stack of our own: a message may be nested deeper than Python recurses."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.leaves: list[Part] = []
        self.omitted: set[Omitted] = set()
        self.budget = limits.parts * 4
        self.looks = 50_000
        self.header_bytes = _ALL_HEADERS_BYTES

    def run(self) -> None:
        stack = [_Span(0, len(self.raw), 0, "text/plain")]
        while stack:
            if len(self.leaves) >= self.limits.parts or self.budget <= 0 or self.header_bytes <= 0:
                self.omitted.add(Omitted.PARTS)
                return
            self.budget -= 1
            stack += reversed(self._open(stack.pop()))

    def _open(self, span: _Span) -> list[_Span]:
        """The parts inside, or nothing and one leaf more."""
        most = _PART_HEADER_BYTES if span.depth else _HEADER_BYTES
        block = header_block(self.raw[span.start : min(span.end, span.start + most)])
        self.header_bytes -= len(block)
        body = _body_start(self.raw, span.start + len(block), span.end)
        fields: dict[str, bytes] = {}
        for name, value in parse_headers(block, _FIELDS):
            fields.setdefault(name, value)
        head, parameters = split_parameters(fields.get("content-type", b""))
        kind = media_type(head, span.default if not head else "application/octet-stream")
        boundary = boundary_of(fields.get("content-type", b"")) if kind.startswith("multipart/") else b""
        if boundary:
            if span.depth < self.limits.depth:
                inner = self._split(body, span.end, boundary, span.depth, kind)
                if inner:
                    return inner
            else:
                self.omitted.add(Omitted.DEPTH)
                kind = "application/octet-stream"
        self._add(span, kind, fields, parameters, body)
        return []

    def _add(self, span: _Span, kind: str, fields: dict[str, bytes], parameters: dict[str, str], body: int) -> None:
        disposition, more = split_parameters(fields.get("content-disposition", b""))
        encoding = fields.get("content-transfer-encoding", b"").split(b";")[0].strip().lower().decode("latin-1")
        part = Part(
            index=len(self.leaves),
            depth=span.depth,
            type="text/plain" if kind.startswith("multipart/") else kind,
            charset=parameters.get("charset", ""),
            name=(more.get("filename") or parameters.get("name", ""))[:_LONGEST_NAME],
            disposition=disposition,
            encoding=encoding,
            content_id=decode_value(fields.get("content-id", b"")).strip("<> "),
            start=body,
            end=span.end,
        )
        self.leaves.append(part)

    def _split(self, start: int, end: int, boundary: bytes, depth: int, kind: str) -> list[_Span]:
        """Between the boundary lines; where the last one is missing, up to the end."""
        mark = b"--" + boundary
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        spans: list[_Span] = []
        opened = -1
        position = self.raw.find(mark, start, end)
        while position >= 0 and len(spans) < self.limits.parts + 1:
            self.looks -= 1
            if self.looks <= 0:  # lines that look like boundaries and are none, by the million
                self.omitted.add(Omitted.PARTS)
                break
            after = position + len(mark)
            at_line_start = position == start or self.raw[position - 1] in b"\r\n"
            if at_line_start and (rest := _REST.match(self.raw, after, end)):
                if opened >= 0:
                    spans.append(_Span(opened, _before_line(self.raw, position, opened), depth + 1, default))
                opened = -1 if rest[1] or rest.end() == end else rest.end()
                if rest[1]:
                    break
            position = self.raw.find(mark, after, end)
        if opened >= 0 and position < 0:
            spans.append(_Span(opened, end, depth + 1, default))
        return spans


def _before_line(raw: bytes, position: int, start: int) -> int:
    """The line break before a boundary belongs to the boundary."""
    if position > start and raw[position - 1 : position] == b"\n":
        position -= 1
    if position > start and raw[position - 1 : position] == b"\r":
        position -= 1
    return position


def _body_start(raw: bytes, position: int, end: int) -> int:
    """Behind the empty line that ends a header."""
    for mark in (b"\r\n\r\n", b"\n\r\n", b"\n\n", b"\r\n", b"\n", b"\r\r"):
        if raw.startswith(mark, position):
            return min(end, position + len(mark))
    return min(end, position)
