"""A mail as one of its recipients may read it: without what its header tells of the others."""

import re
from collections.abc import Callable, Iterator

from app.mime.addresses import addresses_of
from app.mime.headers import header_block
from app.mime.words import decode_bytes

_TELLING = frozenset(
    "bcc resent-bcc delivered-to x-delivered-to envelope-to x-envelope-to x-original-to x-rcpt-to x-forwarded-to apparently-to".split()
)
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_FOR = re.compile(rb"\s+for\s+<?([^\s<>;]{1,300}@[^\s<>;]{1,300})>?", re.IGNORECASE)


def for_recipient(raw: bytes, is_own: Callable[[str], bool]) -> bytes:
    """Blind copies, and whom a server says it took the mail for, only where they are one's own; all else byte for byte."""
    block = header_block(raw)
    return b"".join(_shown(field, is_own) for field in _fields(block)) + raw[len(block) :]


def _fields(block: bytes) -> Iterator[bytes]:
    """With the lines that continue them and their line breaks."""
    field = b""
    for match in _LINE.finditer(block):
        if match[0][:1] not in (b" ", b"\t"):
            yield field
            field = b""
        field += match[0]
    yield field


def _shown(field: bytes, is_own: Callable[[str], bool]) -> bytes:
    name = field.partition(b":")[0].strip().lower().decode("latin-1")
    if name == "received":
        return _FOR.sub(lambda match: match[0] if is_own(decode_bytes(match[1]).lower()) else b"", field)
    if name not in _TELLING:
        return field
    named = set(addresses_of(decode_bytes(field.partition(b":")[2])))
    return field if named and all(map(is_own, named)) else b""
