"""What a ZIP archive says it holds: its directory alone, and no more of that than is needed. Nothing is unpacked: a bomb stays packed."""

import struct
from collections.abc import Iterator

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END_MARK, _ENTRY_MARK = b"PK\x05\x06", b"PK\x01\x02"
_LONGEST_COMMENT = 0xFFFF
_MAX_ENTRIES = 2000
_ENCRYPTED, _UTF8 = 0x1, 0x800


def zip_entries(content: bytes) -> Iterator[tuple[str, bool]]:
    """Lower-case names, and whether each needs a password. A directory that is broken or not there ends it."""
    position = _directory(content)
    for _ in range(_MAX_ENTRIES):
        if not content.startswith(_ENTRY_MARK, position) or len(content) < position + _ENTRY.size:
            return
        fields = _ENTRY.unpack_from(content, position)
        flags, name_size, extra, comment = fields[3], *fields[10:13]
        start = position + _ENTRY.size
        if len(content) < start + name_size:
            return
        name = content[start : start + name_size].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        yield name.lower(), bool(flags & _ENCRYPTED)
        position = start + name_size + extra + comment


def _directory(content: bytes) -> int:
    """Right before its end mark, as far as that says how long it is; whatever stands before the archive does not matter."""
    end = content.rfind(_END_MARK, max(0, len(content) - _END.size - _LONGEST_COMMENT))
    if end >= 0 and len(content) >= end + _END.size:
        start: int = end - _END.unpack_from(content, end)[5]
        if start >= 0 and content.startswith(_ENTRY_MARK, start):
            return start
    return max(0, content.find(_ENTRY_MARK))
