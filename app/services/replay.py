"""Brings the mails of a spool segment into the database and the store, each once, however often it is tried."""

import logging
import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.errors import BadRequest, Unavailable
from app.extensions import db
from app.ids import MailIds
from app.models import Extent
from app.queries.deletions import deleted_among
from app.services import meter
from app.services.entry import Entry, from_record
from app.services.insert import insert_entries, takes_rows
from app.storage import store_for
from app.storage.local import LocalStore, digest_of
from app.storage.spool import SUFFIX, Record, read, write_one

log = logging.getLogger(__name__)

_BATCH_ROWS = 100
_TRIES_APART = 3
_BATCH_BYTES = 16 << 20


class DiskFailure(Unavailable):
    """The spool cannot be read or the store cannot be written: the database has no part in it."""


@dataclass(slots=True)
class Replayed:
    committed: int = 0
    known: int = 0
    failed: int = 0
    is_apart: bool = False
    """The mails were set aside before: what is refused again stays where it is, its only copy untouched."""

    def count(self, entries: Sequence[Entry], outcome: dict[int, int]) -> None:
        """What insert_entries made of them."""
        new = sum(mail_id == entry_id for entry_id, mail_id in outcome.items())
        self.committed += new
        self.known += len(entries) - new


def replayer_of(app: Flask, ids: MailIds) -> "Replayer":
    config = app.config
    failed = pathlib.Path(config["SPOOL_DIR"]) / "failed"
    return Replayer(db.engine, store_for(config["STORE_URL"]), config["NODE_NAME"], ids, failed)


@dataclass(frozen=True, slots=True)
class Replayer:
    engine: Engine
    store: LocalStore
    node: str
    ids: MailIds
    failed: pathlib.Path
    """Where mails go that the database refuses for what is in them."""

    def replay(self, path: pathlib.Path, *, with_done: bool = False) -> Replayed:
        """All of the segment, in order; with what is noted as done, too, where its copies may have gone. DiskFailure, or Unavailable when
        the database does not take it: nothing is lost by stopping."""
        result = Replayed(is_apart=path.parent == self.failed)
        digests: list[str] = []
        for records in _batches(_readable(path, with_done)):
            entries = self._still_wanted([entry for record in records if (entry := self._entry(record, result))], result)
            digests += self._keep_copies(entries)
            self._insert(entries, result)
        self._flush(digests)
        if any((result.committed, result.known, result.failed)):
            log.info("spool: replayed %s: %d new, %d known, %d refused", path.name, result.committed, result.known, result.failed)
        meter.rows.labels("replay").inc(result.committed)
        return result

    def _entry(self, record: Record, result: Replayed) -> Entry | None:
        try:
            return from_record(record)
        except ValueError as error:
            self._set_aside(record, str(error), result)
            return None

    def _still_wanted(self, entries: Sequence[Entry], result: Replayed) -> list[Entry]:
        """Not what was deleted since it came: neither the mail nor its copy is made again."""
        if not entries:
            return []
        try:
            with self.engine.connect() as connection:
                deleted = deleted_among(connection, [entry.id for entry in entries])
        except SQLAlchemyError as error:
            raise Unavailable("the database does not answer") from error
        if not deleted:
            return list(entries)
        wanted = [entry for entry in entries if deleted.get((entry.id, entry.identity)) != Extent.MAIL]
        result.known += len(entries) - len(wanted)
        return [replace(entry, keep=False, packed=b"") if (entry.id, entry.identity) in deleted else entry for entry in wanted]

    def _keep_copies(self, entries: Sequence[Entry]) -> list[str]:
        kept = [entry for entry in entries if entry.keep and entry.digest]
        try:
            for entry in kept:
                self.store.repair(entry.digest or "", entry.packed)
        except OSError as error:
            raise DiskFailure(f"the store cannot be written: {error.strerror}") from error
        return [entry.digest or "" for entry in kept]

    def _flush(self, digests: list[str]) -> None:
        """Before the segment goes: what is there may still be in memory only."""
        try:
            if digests:
                self.store.flush(digests)
        except OSError as error:
            raise DiskFailure(f"the store cannot be flushed: {error.strerror}") from error

    def _insert(self, entries: Sequence[Entry], result: Replayed) -> None:
        if not entries:
            return
        try:
            outcome = insert_entries(self.engine, entries, self.node)
        except BadRequest as error:
            if len(entries) == 1:
                self._insert_renumbered(entries[0], error, result)
                return
            for entry in entries:
                self._insert([entry], result)
            return
        except Unavailable as error:
            self._insert_apart(entries, error, result)
            return
        result.count(entries, outcome)

    def _insert_apart(self, entries: Sequence[Entry], error: Unavailable, result: Replayed) -> None:
        """One mail that the database chokes on must not keep back all others: where an empty one is taken, it is the mail's doing."""
        if not takes_rows(self.engine, entries[0], self.node):
            raise error
        if len(entries) > 1:
            for entry in entries:
                self._insert([entry], result)
        elif not self._insert_after_all(entries[0], result):
            self._set_aside(entries[0].to_record(), str(error), result)

    def _insert_after_all(self, entry: Entry, result: Replayed) -> bool:
        """The database may have come back between the failure and the look at it: only what fails again and again is at fault."""
        for _ in range(_TRIES_APART):
            try:
                outcome = insert_entries(self.engine, [entry], self.node)
            except BadRequest:
                return False
            except Unavailable:
                if not takes_rows(self.engine, entry, self.node):
                    raise
                continue
            result.count([entry], outcome)
            return True
        return False

    def _insert_renumbered(self, entry: Entry, error: BadRequest, result: Replayed) -> None:
        """The id may belong to another mail (the clock was set back between two lives of a slot): a new one settles that."""
        renumbered = replace(entry, id=self.ids.next())
        try:
            outcome = insert_entries(self.engine, [renumbered], self.node)
        except BadRequest:
            self._set_aside(entry.to_record(), str(error), result)
        except Unavailable as away:
            self._insert_apart([renumbered], away, result)
        else:
            result.count([renumbered], outcome)

    def _set_aside(self, record: Record, why: str, result: Replayed) -> None:
        result.failed += 1
        if result.is_apart:
            log.error("spool: mail %d refused again: %s", record.id, why)
            return
        # Two mails may have one id; the same mail, set aside again after a crash, is one file.
        path = self.failed / f"{record.id}.{digest_of(record.head + record.body)[:16]}{SUFFIX}"
        try:
            write_one(path, record)
        except OSError as error:
            raise DiskFailure(f"the spool cannot be written: {error.strerror}") from error
        log.error("spool: mail %d set aside in %s: %s", record.id, os.fspath(path), why)
        meter.spool_failed.inc()


def _readable(path: pathlib.Path, with_done: bool) -> Iterator[Record]:
    records = read(path, with_done=with_done)
    while True:
        try:
            record = next(records, None)
        except OSError as error:
            raise DiskFailure(f"the spool cannot be read: {path}: {error.strerror}") from error
        if record is None:
            return
        yield record


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.head) + len(record.body)
        if len(batch) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
