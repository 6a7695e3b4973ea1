"""Copies all raw mails from one store to another, each read back; what is there already is passed over, so that it may be repeated."""

import logging
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum, unique

from app.errors import Conflict, NotFound, Unavailable
from app.storage import store_for
from app.storage.local import digest_of, pack
from app.storage.store import CANNOT_WRITE, Store, reason

log = logging.getLogger(__name__)

_AT_ONCE = 16
_PROBE = b"Subject: Mailkeep asks whether this store works\r\n\r\n"


@unique
class Copied(StrEnum):
    NEW = "new"
    THERE = "there"
    GONE = "gone"
    """Deleted while we looked."""
    DAMAGED = "damaged"


@dataclass(slots=True)
class Tally:
    new: int = 0
    there: int = 0
    gone: int = 0
    damaged: int = 0

    @property
    def seen(self) -> int:
        return self.new + self.there + self.gone + self.damaged


def copy_all(from_url: str, to_url: str, level: int, *, verify: bool = False) -> Iterator[Tally]:
    """The same tally, after each mail. Unavailable where one of the stores fails: what was copied stays. `verify` reads back also what
    was there before, and writes it anew where it is damaged."""
    if from_url == to_url:
        raise Conflict("The two stores are one.")
    source, target = store_for(from_url), store_for(to_url)
    try:
        target.prepare()
    except CANNOT_WRITE as error:
        raise Unavailable(f"The other store cannot be prepared: {reason(error)}") from error
    tally, waiting = Tally(), set[Future[Copied]]()
    with ThreadPoolExecutor(_AT_ONCE, "copy") as threads:
        try:
            for digest, _size, _changed in source.scan():
                waiting.add(threads.submit(_copy, source, target, digest, level, verify))
                if len(waiting) >= 2 * _AT_ONCE:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield _counted(tally, done)
            yield _counted(tally, waiting)
        finally:
            threads.shutdown(cancel_futures=True)


def _counted(tally: Tally, done: set[Future[Copied]]) -> Tally:
    for future in done:
        name = future.result().value
        setattr(tally, name, getattr(tally, name) + 1)
    return tally


def _copy(source: Store, target: Store, digest: str, level: int, verify: bool) -> Copied:
    there = target.is_in_place(digest)
    if there and not verify:
        return Copied.THERE
    try:
        packed = pack(source.open(digest).read(), level)
    except NotFound:
        return Copied.GONE
    except Unavailable as error:
        if not source.is_in_place(digest):  # asks whether it is the store that is away
            return Copied.GONE
        log.error("store: %s: %s", digest, error)
        return Copied.DAMAGED
    try:
        if not target.repair(digest, packed):
            return Copied.THERE
        target.flush([digest])
    except OSError as error:
        raise Unavailable(f"The other store cannot be written: {error.strerror}") from error
    target.open(digest)
    return Copied.NEW


def try_out(url: str) -> None:
    """Writes, reads, sets aside, lists and deletes one copy; what fails, says why."""
    store, digest = store_for(url), digest_of(_PROBE)
    try:
        store.prepare()
        store.put(digest, pack(_PROBE, 1))
        store.open(digest)
        store.set_aside(digest)
        store.bring_back(digest)
        next(iter(store.scan()), None)
        store.delete(digest)
    except OSError as error:
        raise Unavailable(f"The store cannot be written: {error.strerror}") from error
