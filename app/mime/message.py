"""A stored mail, read for people: its text, its HTML, its attachments, each bounded, and what was left out."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from app.mime.content import content_of, text_of
from app.mime.filenames import saved_name, shown_name
from app.mime.kinds import RASTER, kind_of
from app.mime.parts import Limits, Omitted, Outline, Part, outline
from app.mime.risks import Risk, risks_of
from app.mime.sanitize import SafeHtml, TooComplex, safe_html, with_images

_MAX_TEXT = 2 << 20
_MAX_HTML = 2 << 20
_MAX_IMAGE = 2 << 20
_MAX_IMAGES = 12 << 20
"""Of all of them, as they are sent."""
_MAX_LOOKED_AT = 200
"""Attachments beyond these are named, and not looked into."""
_MAX_CONTENT = 80 << 20


@dataclass(frozen=True, slots=True)
class Attachment:
    index: int
    name: str
    """With what it hides made visible; empty where it has none."""
    declared: str
    detected: str
    size: int | None
    """None where it was not looked into."""
    digest: str
    risks: frozenset[Risk]


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    html: str
    """Unsafe, as it came: `rendered` makes it harmless."""
    attachments: tuple[Attachment, ...]
    omitted: frozenset[Omitted]


def read_message(raw: bytes, limits: Limits | None = None) -> Message:
    found = outline(raw, limits)
    omitted = set(found.omitted)
    text = _joined(raw, found, "text/plain", _MAX_TEXT, omitted)
    html = _joined(raw, found, "text/html", _MAX_HTML, omitted)
    return Message(text, html, tuple(_attachments(raw, found, omitted)), frozenset(omitted))


def rendered(raw: bytes, limits: Limits | None = None) -> tuple[SafeHtml, frozenset[Omitted]]:
    """The HTML of a message made harmless, with the images it brought along."""
    found = outline(raw, limits)
    omitted = set(found.omitted)
    html = _joined(raw, found, "text/html", _MAX_HTML, omitted)
    images = _Images(raw, found)
    try:
        safe = safe_html(html)
    except TooComplex:
        return SafeHtml("", 0), frozenset(omitted | {Omitted.HTML})
    shown = SafeHtml(with_images(safe.text, images.shown), safe.blocked)
    return shown, frozenset(omitted | ({Omitted.IMAGES} if images.is_over else set()))


def attachment_of(raw: bytes, index: int) -> tuple[bytes, str] | None:
    """Content and a name to save it under, or None where there is no such part."""
    found = outline(raw)
    if not 0 <= index < len(found.parts):
        return None
    part = found.parts[index]
    return content_of(raw, part), saved_name(part.name, f"part-{index}{'.eml' if part.type == 'message/rfc822' else '.bin'}")


def _joined(raw: bytes, found: Outline, kind: str, most: int, omitted: set[Omitted]) -> str:
    """All parts of that kind that are no attachments, one after the other."""
    pieces: list[str] = []
    left = most
    for part in found.parts:
        if part.type != kind or part.is_attachment:
            continue
        if left <= 0:
            omitted.add(Omitted.TEXT)
            break
        piece = text_of(raw, part, left)
        if len(content_of(raw, part, left + 1)) > left:
            omitted.add(Omitted.TEXT)
        left -= len(piece)
        pieces.append(piece)
    return ("\n<hr>\n" if kind == "text/html" else "\n\n").join(pieces)


def _attachments(raw: bytes, found: Outline, omitted: set[Omitted]) -> list[Attachment]:
    attachments: list[Attachment] = []
    looked_at = 0
    for part in found.parts:
        if not part.is_attachment:
            continue
        looked_at += part.end - part.start
        if len(attachments) >= _MAX_LOOKED_AT or looked_at > _MAX_CONTENT:
            omitted.add(Omitted.CONTENT)
            attachments.append(Attachment(part.index, shown_name(part.name), part.type, "", None, "", frozenset()))
        else:
            attachments.append(_attachment(raw, part))
    return attachments


def _attachment(raw: bytes, part: Part) -> Attachment:
    content = content_of(raw, part)
    kind = "message/rfc822" if part.type == "message/rfc822" else kind_of(content)
    return Attachment(
        index=part.index,
        name=shown_name(part.name),
        declared=part.type,
        detected=kind,
        size=len(content),
        digest=hashlib.sha256(content).hexdigest(),
        risks=risks_of(part.name, kind, content),
    )


class _Images:
    """The pictures a message refers to by content id: raster ones only, and no more than fit a page, however often one is shown."""

    def __init__(self, raw: bytes, found: Outline) -> None:
        self._raw = raw
        self._parts = {part.content_id: part for part in found.parts if part.content_id}
        self._made: dict[str, str] = {}
        self._left = _MAX_IMAGES
        self.is_over = False

    def shown(self, content_id: str) -> str | None:
        if content_id not in self._made:
            self._made[content_id] = self._make(content_id)
        url = self._made[content_id]
        if len(url) > self._left:
            self.is_over = True
            return None
        self._left -= len(url)
        return url or None

    def _make(self, content_id: str) -> str:
        part = self._parts.get(content_id)
        if part is None:
            return ""
        content = content_of(self._raw, part, _MAX_IMAGE + 1)
        kind = kind_of(content)
        if kind not in RASTER:
            return ""
        if len(content) > _MAX_IMAGE:
            self.is_over = True
            return ""
        return f"data:{kind};base64,{b64encode(content).decode()}"
