"""Raw mails as files: zstd-compressed, named by the SHA-256 of what they hold, so a thousand copies of one spam are one file."""

import contextlib
import ctypes
import hashlib
import io
import logging
import os
import pathlib
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import zstandard

from app.errors import NotFound, Unavailable
from app.storage.disk import flush_path

log = logging.getLogger(__name__)

LARGEST = 1 << 30
"""Bytes of a copy: what claims more is none of ours, whatever it is called."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_STALE_TEMP_SECONDS = 3600
_libc = ctypes.CDLL(None, use_errno=True)
_thread = threading.local()


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def pack(raw: bytes, level: int) -> bytes:
    compressors: dict[int, zstandard.ZstdCompressor] = _thread.__dict__.setdefault("compressors", {})
    if level not in compressors:  # a compressor is not safe to share between threads
        compressors[level] = zstandard.ZstdCompressor(level=level, write_checksum=False)
    return compressors[level].compress(raw)


def unpack(packed: bytes) -> bytes:
    """Raises zstandard.ZstdError for what is no whole frame, or says of itself that it is larger than any mail."""
    if zstandard.frame_content_size(packed) > LARGEST:
        raise zstandard.ZstdError("too large")
    return zstandard.ZstdDecompressor().decompress(packed)


def checked(digest: str) -> str:
    """What may be part of a path or key."""
    if not _DIGEST.fullmatch(digest):
        raise NotFound("That is not the name of a stored copy.")
    return digest


def verified(digest: str, packed: bytes) -> BinaryIO:
    """The raw mail, or Unavailable."""
    try:
        raw = unpack(packed)
    except zstandard.ZstdError:
        raise Unavailable("The stored copy is damaged.") from None
    if digest_of(raw) != digest:
        raise Unavailable("The stored copy is damaged.")
    return io.BytesIO(raw)


class LocalStore:
    """Four rules: a file appears whole or not at all; it is never changed; what is read is what was put, or an error; a name is
    only ever made from 64 hexadecimal digits, so no path can be forged."""

    is_far = False

    def __init__(self, root: str | pathlib.Path) -> None:
        self.root = pathlib.Path(root)
        self._temp, self._aside = self.root / "tmp", self.root / "aside"
        self._flushed: set[str] = set()

    def put(self, digest: str, packed: bytes, *, durable: bool = True) -> bool:
        """True when it was not there yet. Without `durable` the caller holds another flushed copy until flush() has run."""
        path = self._path(digest)
        if path.exists():
            return False
        self._write(path, packed, durable)
        return True

    def put_all(self, copies: Iterable[tuple[str, bytes]]) -> None:
        for digest, packed in copies:
            self.put(digest, packed)

    def repair(self, digest: str, packed: bytes) -> bool:
        """Put, where a file of that name may be torn (after a power cut): True when one was written."""
        path = self._path(digest)
        try:
            _opened(path, digest)
        except (FileNotFoundError, Unavailable):
            self._write(path, packed, durable=True)
            return True
        return False

    def repair_all(self, copies: Iterable[tuple[str, bytes]]) -> None:
        for digest, packed in copies:
            self.repair(digest, packed)

    def open(self, digest: str) -> BinaryIO:
        """The raw mail, its digest verified. NotFound where there is none, Unavailable where it is damaged or cannot be read."""
        path, aside = self._path(digest), self._aside / digest
        for place in (path, aside, path):  # it may be set aside or brought back while we look
            try:
                return _opened(place, digest)
            except FileNotFoundError:
                continue
        raise NotFound("The stored copy is gone.")

    def delete(self, digest: str) -> bool:
        try:
            self._path(digest).unlink()
        except FileNotFoundError:
            return False
        return True

    def exists(self, digest: str) -> bool:
        return self._path(digest).exists() or (self._aside / digest).exists()

    def size_of(self, digest: str) -> int:
        """Bytes on the disk, in place and aside."""
        found = 0
        for place in (self._path(digest), self._aside / digest):
            try:
                found += place.stat().st_size
            except FileNotFoundError:
                continue
        return found

    # --- what nothing refers to any more, it seems: a mail that is being taken in just now may be about to ------------------------

    def is_in_place(self, digest: str) -> bool:
        """Where put() finds it: not what was set aside."""
        return self._path(digest).exists()

    def are_in_place(self, digests: Iterable[str]) -> bool:
        return all(self.is_in_place(digest) for digest in digests)

    def set_aside(self, digest: str) -> bool:
        """From now on put() writes it anew; until it is discarded it can be opened. One that was aside before gives way."""
        path = self._path(digest)
        self._aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path.replace(self._aside / digest)
        except FileNotFoundError:
            return False
        return True

    def bring_back(self, digest: str) -> None:
        """It is needed after all. What was put anew meanwhile stays."""
        path, aside = self._path(digest), self._aside / digest
        if not aside.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        except FileNotFoundError:  # somebody else was quicker
            return
        except OSError:  # a file system without links
            if not path.exists():
                aside.replace(path)
        for folder in (path.parent, path.parent.parent, self.root):
            flush_path(folder)
        aside.unlink(missing_ok=True)

    def discard(self, digest: str) -> None:
        """What was set aside; what was put since stays."""
        (self._aside / self._path(digest).name).unlink(missing_ok=True)

    def scan(self) -> Iterator[tuple[str, int, float]]:
        """Every (digest, bytes on disk, time of change); foreign files are passed over."""
        for path in self.root.glob("??/?/*"):
            if _DIGEST.fullmatch(path.name) and path == self._path(path.name):
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue  # deleted while we looked
                yield path.name, stat.st_size, stat.st_mtime

    def flush(self, digests: Iterable[str]) -> None:
        """Everything put so far survives a power cut. One syncfs costs less than two flushes a mail; where it fails, those."""
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            if hasattr(_libc, "syncfs") and _libc.syncfs(descriptor) == 0:
                return
        finally:
            os.close(descriptor)
        folders = set()
        for digest in digests:
            path = self._path(digest)
            if path.exists():
                flush_path(path)
                folders |= {path.parent, path.parent.parent}
        for folder in folders:
            flush_path(folder)

    def prepare(self) -> None:
        """Makes the folders and sweeps what a crash left half-written."""
        self._temp.mkdir(mode=0o700, parents=True, exist_ok=True)
        limit = time.time() - _STALE_TEMP_SECONDS
        for path in self._temp.iterdir():
            try:
                if path.stat().st_mtime < limit:
                    path.unlink()
            except FileNotFoundError:  # another process sweeps too
                continue

    def _path(self, digest: str) -> pathlib.Path:
        checked(digest)
        return self.root / digest[:2] / digest[2] / digest

    def _write(self, path: pathlib.Path, packed: bytes, durable: bool) -> None:
        temp = f"{self._temp}/{secrets.token_hex(16)}"  # other processes of other containers may write here, too
        try:
            try:
                _create(temp, packed, durable)
            except FileNotFoundError:
                self._temp.mkdir(mode=0o700, parents=True, exist_ok=True)
                _create(temp, packed, durable)
            try:
                os.rename(temp, path)  # noqa: PTH104 - a path of its own costs more than the call
            except FileNotFoundError:  # no folder yet, or somebody removed it behind us
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._flushed.clear()
                os.rename(temp, path)  # noqa: PTH104 - as above
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temp)  # noqa: PTH108 - as above
            raise
        if durable:
            self._flush_folders(path.parent)

    def _flush_folders(self, folder: pathlib.Path) -> None:
        """And once those above it. Two levels hold 4,096 folders: few enough to stay in the directory cache."""
        known = str(folder) in self._flushed
        for each in (folder,) if known else (folder, folder.parent, self.root):
            flush_path(each)
        self._flushed.add(str(folder))


def _opened(path: pathlib.Path, digest: str) -> BinaryIO:
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        log.error("store: cannot read %s: %s", digest, error.strerror)
        raise Unavailable("The stored copy cannot be read just now.") from error
    return verified(digest, packed)


def _create(path: str, content: bytes, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
