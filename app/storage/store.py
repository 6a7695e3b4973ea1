"""What every store of raw mails can do, whatever it is made of."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from app.errors import Unavailable

CANNOT_WRITE = (OSError, Unavailable)
"""What put, repair, flush and prepare raise: a folder what the disk says, a far store a sentence."""


class Store(Protocol):
    is_far: bool
    """Over a network: slow for one mail at a time, and away when that is."""

    def put(self, digest: str, packed: bytes, *, durable: bool = True) -> bool: ...

    def put_all(self, copies: Iterable[tuple[str, bytes]]) -> None: ...

    def repair(self, digest: str, packed: bytes) -> bool: ...

    def repair_all(self, copies: Iterable[tuple[str, bytes]]) -> None: ...

    def open(self, digest: str) -> BinaryIO: ...

    def delete(self, digest: str) -> bool: ...

    def exists(self, digest: str) -> bool: ...

    def scan(self) -> Iterator[tuple[str, int, float]]: ...

    def flush(self, digests: Iterable[str]) -> None: ...

    def prepare(self) -> None: ...


def reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
