"""The published texts of the maps, on this node's disk: they outlive the database and a restart, and a million lines need no memory.

A file is a head of fixed length, which tells what the text is of and its digest, and then the text. It is written beside, flushed and
renamed, so that who opens it by its name has one whole text and the head that belongs to it.
"""

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import BinaryIO

from app.clock import monotonic
from app.storage.disk import try_lock, written_whole

_HEAD_BYTES = 1024
_CHUNK_BYTES = 1 << 16
_LOCK_SECONDS = 120.0
_SUFFIX = ".map"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def is_name(name: str) -> bool:
    """What may become the name of a file, here and in an address."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class TextHead:
    """Of a text all but itself."""

    map_id: int
    name: str
    revision: int
    changed: str
    """When the map was changed last, as the database says: a database that was brought back counts its revisions anew."""
    form: str
    """Of the program that wrote it: another may write the same entries in another way."""
    made: int
    modified: int
    """Seconds since 1970, as are the others: the first whole second after the last change or expiry."""
    until: float | None
    """When the next entry expires."""
    digest: str = ""
    length: int = 0

    @property
    def etag(self) -> str:
        """Strong; the revision stands in it, so that who asks again says which one they have."""
        return f"{self.revision}-{self.digest[:40]}"

    def is_of(self, other: "TextHead") -> bool:
        """Of the same entries, written in the same way."""
        return (self.map_id, self.revision, self.changed, self.form) == (other.map_id, other.revision, other.changed, other.form)


class TextFolder:
    def __init__(self, root: str | pathlib.Path) -> None:
        self.root = pathlib.Path(root)
        self._stamp = self.root / "seen"

    def names(self) -> set[str]:
        return {path.stem for path in self.root.glob(f"*{_SUFFIX}") if is_name(path.stem)}

    def open(self, name: str) -> tuple[TextHead, BinaryIO] | None:
        """The head, and the file where the text begins; None where there is none, or no whole one. Whoever opens it closes it."""
        try:
            file = self._path(name).open("rb", buffering=0)
        except OSError:
            return None
        try:
            head = _read_head(file.read(_HEAD_BYTES))
            if head is not None and head.name == name and os.fstat(file.fileno()).st_size == _HEAD_BYTES + head.length:
                return head, file
        except OSError:
            pass
        file.close()
        return None

    def check(self, name: str) -> TextHead | None:
        """The same, the text read through once: a disk may have changed it."""
        found = self.open(name)
        if found is None:
            return None
        head, file = found
        with file:
            try:
                digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            except OSError:
                return None
        return head if digest == head.digest else None

    def read(self, name: str, most: int) -> tuple[TextHead, bytes] | None:
        """The text, where it is no longer than that."""
        found = self.open(name)
        if found is None:
            return None
        head, file = found
        with file:
            try:
                body = file.read(head.length) if head.length <= most else None
            except OSError:
                return None
        return None if body is None or hashlib.sha256(body).hexdigest() != head.digest else (head, body)

    def write(self, head: TextHead, blocks: Iterable[bytes], finish: Callable[[TextHead], TextHead]) -> TextHead:
        """Whole and flushed, or not there and OSError (or what `blocks` raise). What only the end tells comes from `finish`."""
        path = self._path(head.name)
        beside = path.with_name(f"{head.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        digest, length = hashlib.sha256(), 0
        with written_whole(path, beside, 0o600) as file:
            file.write(bytes(_HEAD_BYTES))
            for block in blocks:
                file.write(block)
                digest.update(block)
                length += len(block)
            head = replace(finish(head), digest=digest.hexdigest(), length=length)
            file.seek(0)
            file.write(_head_bytes(head))
        return head

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                self._path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One process at a time makes the text of a map. OSError where the folder cannot be used, or another holds it for too long."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.root / f"{name}.lock", _LOCK_SECONDS):
            for part in self.root.glob(f"{name}.*.part"):  # of one that was killed half-way
                part.unlink(missing_ok=True)
            yield

    def seen(self, at: float | None = None) -> float | None:
        """When the database answered last, as far as this node knows; with `at`, it is written down."""
        try:
            if at is not None:
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._stamp.touch(0o600)
                os.utime(self._stamp, (at, at))
            return self._stamp.stat().st_mtime
        except OSError:
            return None

    def _path(self, name: str) -> pathlib.Path:
        if not is_name(name):
            raise FileNotFoundError(errno.ENOENT, "no name of a map", name)
        return self.root / f"{name}{_SUFFIX}"


@contextlib.contextmanager
def locked(path: pathlib.Path, seconds: float) -> Iterator[None]:
    """A file, made where it is not there, or a folder. The kernel frees it however its process ends."""
    how = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, how | os.O_CLOEXEC, 0o600)
    try:
        end = monotonic() + seconds
        while not try_lock(descriptor):
            if monotonic() >= end:
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_CHUNK_BYTES):
        yield block


def _head_bytes(head: TextHead) -> bytes:
    return json.dumps(asdict(head)).encode().ljust(_HEAD_BYTES - 1) + b"\n"


def _read_head(block: bytes) -> TextHead | None:
    try:
        return TextHead(**json.loads(block)) if len(block) == _HEAD_BYTES else None
    except (ValueError, TypeError):
        return None
