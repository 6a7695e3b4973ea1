"""The header block of a mail: bytes in, values out, whatever the bytes are."""

import re
from collections.abc import Collection

from app.mime.addresses import address_in, address_of
from app.mime.text import clean, one_line
from app.mime.words import decode_bytes, decode_value

__all__ = ["address_in", "address_of", "block_text", "clean", "decode_bytes", "decode_value", "header_block", "one_line", "parse_headers"]

_MAX_BLOCK = 1 << 20
_MAX_FIELDS = 2000
_FOLD = re.compile(rb"\n[ \t]+")
_NAME = re.compile(r"[!-9;-~]+")


def header_block(raw: bytes) -> bytes:
    """All before the first empty line, at most a megabyte. Copies nothing else."""
    if raw.startswith((b"\r", b"\n")):
        return b""
    end = min(len(raw), _MAX_BLOCK)
    for mark in (b"\n\r\n", b"\n\n"):
        found = raw.find(mark, 0, end)
        end = found if found >= 0 else end
    block = raw[:end]
    return block.removesuffix(b"\r") if b"\n" in raw[: end + 1] else block.partition(b"\r\r")[0]


def parse_headers(block: bytes, only: Collection[str] | None = None) -> list[tuple[str, bytes]]:
    """(lower-case name, unfolded value) in order, all or `only` some; lines that are no field are passed over."""
    fields: list[tuple[str, bytes]] = []
    for line in _unfold(block).split(b"\n"):
        head, colon, value = line.partition(b":")
        name = head.rstrip(b" \t").lower().decode("latin-1")
        if (only is None or name in only) and colon and _NAME.fullmatch(name):
            fields.append((name, value.strip()))
            if len(fields) == _MAX_FIELDS:
                break
    return fields


def _unfold(block: bytes) -> bytes:
    return _FOLD.sub(b" ", block.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def block_text(block: bytes) -> str:
    """The block as it is shown: not decoded, and no line spoilt by what another line holds, as far as a mail has lines."""
    try:
        return clean(block.decode("utf-8"))
    except UnicodeDecodeError:
        lines = block.split(b"\n", _MAX_FIELDS)
        return clean("\n".join(map(decode_bytes, lines)))
