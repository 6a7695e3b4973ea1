"""The spool: a journal of what was accepted, flushed to disk before anybody is told 200.

Each process that takes mail owns one numbered slot, a folder whose lock file it holds for life (the kernel frees it however the
process dies). In it are segments: files of records, only ever appended to. A mail's record holds all that is needed to make its
row and its stored copy again. A segment goes once all its mails are in the database and the store is flushed; whatever a
crash leaves is replayed by the next process that takes the slot. So one flush per batch makes any number of mails safe.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from app.clock import monotonic, now_ms
from app.errors import Unavailable
from app.ids import SLOTS
from app.storage.disk import flush_path, written_whole

# A segment begins with the magic and a random mark; each record begins with that mark, so that no mail can hold a false record.
_MAGIC = b"MKSPOOL2"
_MARK_BYTES = 8
# mark, kind, id, length of head, length of body; the checksum of these, the head and the body comes after them
_FRAME = struct.Struct(">8sBQII")
_CHECKSUM = struct.Struct(">I")
_MAIL, _DONE = 1, 2
_MAX_PART = 1 << 30
SUFFIX = ".seg"


@dataclass(frozen=True, slots=True)
class Record:
    id: int
    head: bytes
    """What services/entry.py packs: the report and the decisions taken."""
    body: bytes
    """The compressed raw mail, or nothing."""


@dataclass(slots=True)
class Segment:
    path: pathlib.Path
    descriptor: int
    mark: bytes = field(default_factory=lambda: os.urandom(_MARK_BYTES))
    size: int = 0
    born: float = field(default_factory=monotonic)
    pending: set[int] = field(default_factory=set)
    """Ids that are not in the database yet."""
    digests: list[str] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    """Committed, but not yet noted in the file: saves work at a replay, no more."""


class Slot:
    """One claimed slot: the number goes into mail ids, the folder holds our segments."""

    def __init__(self, root: pathlib.Path, number: int, lock: int) -> None:
        self.root, self.number, self._lock = root, number, lock
        self.folder = root / f"{number:02d}"

    def segments(self) -> list[pathlib.Path]:
        """Oldest first: names begin with the time."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def release(self) -> None:
        os.close(self._lock)


def claim(root: str | pathlib.Path, number: int | None = None) -> Slot | None:
    """The given slot or the first free one; None where it is taken. Unavailable where no folder can be used."""
    root = pathlib.Path(root)
    failure: OSError | None = None
    for candidate in range(SLOTS) if number is None else (number,):
        folder = root / f"{candidate:02d}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # somebody else made it, as another user: the next may do
            failure = failure or error
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return Slot(root, candidate, lock)
    if failure:
        raise Unavailable(f"The spool folder {failure.filename} cannot be used: {failure.strerror}.")
    return None


def left_behind(root: str | pathlib.Path) -> Iterator[tuple[int, pathlib.Path]]:
    """Every (slot number, segment) on disk, whoever owns it."""
    for path in sorted(pathlib.Path(root).glob(f"[0-9][0-9]/*{SUFFIX}")):
        yield int(path.parent.name), path


class Journal:
    """The segments this process writes. Not thread-safe: services/intake.py calls it under one lock."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.active: Segment | None = None
        self.closed: list[Segment] = []
        self._count = 0

    def append(self, records: Sequence[Record], digests: Sequence[str]) -> Segment:
        """All of them, flushed, or none and OSError."""
        segment = self.active or self._open()
        try:
            parts = [] if segment.size else [_MAGIC + segment.mark]
            parts += _done_parts(segment)
            for record in records:
                parts += (_frame(segment.mark, _MAIL, record.id, record.head, record.body), record.head, record.body)
            size = self._write(segment, parts)
            os.fdatasync(segment.descriptor)
        except OSError:
            self._take_back(segment)
            raise
        segment.size += size
        segment.done.clear()
        segment.pending.update(record.id for record in records)
        segment.digests += digests
        return segment

    def committed(self, segment: Segment, ids: Sequence[int]) -> None:
        segment.pending.difference_update(ids)
        segment.done += ids

    def close_active(self) -> None:
        if self.active:
            segment, self.active = self.active, None
            with contextlib.suppress(OSError):  # only a note: a replay finds the rows and leaves them
                self._write(segment, _done_parts(segment))
            os.close(segment.descriptor)
            self.closed.append(segment)

    def forget(self, segment: Segment) -> None:
        """All it holds is safe elsewhere."""
        segment.path.unlink(missing_ok=True)
        self.closed.remove(segment)

    def _open(self) -> Segment:
        self._count += 1
        path = self.slot.folder / f"{now_ms():015d}-{self._count:06d}{SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            flush_path(self.slot.folder)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self.active = Segment(path, descriptor)
        return self.active

    def _write(self, segment: Segment, parts: list[bytes]) -> int:
        """writev takes at most 1,024 parts at once, and may take less than it was given."""
        total = 0
        for start in range(0, len(parts), 1000):
            chunk = parts[start : start + 1000]
            wanted = sum(map(len, chunk))
            written = os.writev(segment.descriptor, chunk)
            if written != wanted:
                written += self._write_rest(segment, b"".join(chunk)[written:])
            total += written
        return total

    def _write_rest(self, segment: Segment, rest: bytes) -> int:
        view = memoryview(rest)
        while view:
            count = os.write(segment.descriptor, view)
            if not count:
                raise OSError(errno.ENOSPC, "nothing more could be written")
            view = view[count:]
        return len(rest)

    def _take_back(self, segment: Segment) -> None:
        """Nothing half-written stays; a file that cannot even be cut is left to the reader, which stops at its torn end."""
        try:
            os.ftruncate(segment.descriptor, segment.size)
        except OSError:
            self.close_active()
        if self.active and not segment.size:
            os.close(segment.descriptor)
            segment.path.unlink(missing_ok=True)
            self.active = None


def write_one(path: pathlib.Path, record: Record) -> None:
    """A segment of one mail, for what has to be kept apart: whole and flushed, or not there and OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = os.urandom(_MARK_BYTES)
    beside = path.with_suffix(f".{mark.hex()}")
    with written_whole(path, beside) as file:
        file.write(_MAGIC + mark + _frame(mark, _MAIL, record.id, record.head, record.body) + record.head + record.body)
    flush_path(path.parent.parent)  # the folder may be new, too


def _done_parts(segment: Segment) -> list[bytes]:
    if not segment.done:
        return []
    body = struct.pack(f">{len(segment.done)}Q", *segment.done)
    return [_frame(segment.mark, _DONE, 0, b"", body), body]


def _frame(mark: bytes, kind: int, mail_id: int, head: bytes, body: bytes) -> bytes:
    frame = _FRAME.pack(mark, kind, mail_id, len(head), len(body))
    return frame + _CHECKSUM.pack(_checksum(frame, head, body))


def _checksum(frame: bytes, head: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(head, zlib.crc32(frame)))


def _first_checksum(frame: bytes, head: bytes, body: bytes) -> int:
    """Knew half of the id."""
    _mark, kind, mail_id, *_lengths = _FRAME.unpack(frame)
    return zlib.crc32(body, zlib.crc32(head, mail_id & 0xFFFFFFFF ^ kind))


_CHECKSUMS = {_MAGIC: _checksum, b"MKSPOOL1": _first_checksum}


def read(path: pathlib.Path, *, with_done: bool = False) -> Iterator[Record]:
    """The mails of a segment in order, without those noted as done. What is damaged is passed over, a torn end is the end."""
    done = (
        set()
        if with_done
        else {mail_id for kind, record in _scan(path) if kind == _DONE for (mail_id,) in struct.iter_unpack(">Q", record.body)}
    )
    for kind, record in _scan(path):
        if kind == _MAIL and record.id not in done:
            yield record


def _scan(path: pathlib.Path) -> Iterator[tuple[int, Record]]:
    with path.open("rb") as file:
        checksum = _CHECKSUMS.get(file.read(len(_MAGIC)))
        mark = file.read(_MARK_BYTES)
        while checksum and len(mark) == _MARK_BYTES:
            start = file.tell()
            found = _read_record(file, mark, checksum)
            if found:
                yield found
            elif not _seek(file, mark, start + 1):
                return


def _read_record(file: BinaryIO, mark: bytes, checksum: Callable[[bytes, bytes, bytes], int]) -> tuple[int, Record] | None:
    """The whole record that begins here, or None."""
    frame, told = file.read(_FRAME.size), file.read(_CHECKSUM.size)
    if len(told) < _CHECKSUM.size:
        return None
    found, kind, mail_id, head_length, body_length = _FRAME.unpack(frame)
    if found != mark or head_length > _MAX_PART or body_length > _MAX_PART:
        return None
    head, body = file.read(head_length), file.read(body_length)
    if len(body) != body_length or _CHECKSUM.pack(checksum(frame, head, body)) != told:
        return None
    return kind, Record(mail_id, head, body)


def _seek(file: BinaryIO, mark: bytes, start: int) -> bool:
    """Moves to the next place that may begin a record."""
    file.seek(start)
    position, tail = start, b""
    while chunk := file.read(1 << 20):
        found = (tail + chunk).find(mark)
        if found >= 0:
            file.seek(position - len(tail) + found)
            return True
        position += len(chunk)
        tail = chunk[1 - len(mark) :]
    return False
