"""Tables of mails in partitions on MariaDB: made, made ahead, and undone.

A unique index of a partitioned table has to hold the partition's key, so the one of identities moves to a table beside, `mail_identity`.
Triggers fill it in the same transaction, whichever node and version inserts: the same post twice is refused as before.
"""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import OperationalError

from app.clock import monotonic, utcnow
from app.errors import Conflict, Unavailable
from app.extensions import db
from app.ids import first_id_at, id_time
from app.models import Mail
from app.queries.partitions import KEYS, REST, bounds, can_be, is_cluster, partitions, sizes

AHEAD = {"day": 14, "month": 3}
_MOST = 1500
"""Partitions; MariaDB has no more than 8192 in a table, and each is a file. Older mails share the first."""
_AT_ONCE = 5000
_WAIT_SECONDS, _TRIES = 2, 15
_TRIGGERS = {
    "mail_identity_in": "AFTER INSERT ON mail FOR EACH ROW INSERT INTO mail_identity (identity, mail_id) VALUES (NEW.identity, NEW.id)",
    "mail_identity_out": "AFTER DELETE ON mail FOR EACH ROW DELETE FROM mail_identity WHERE identity = OLD.identity",
}


class Told(Protocol):
    dry: bool

    def say(self, text: str) -> None: ...


@contextlib.contextmanager
def patient_connection() -> Iterator[Connection]:
    """One that may take as long as it takes, but does not keep others waiting for what it waits for."""
    options: dict[str, Any] = {"poolclass": NullPool, "isolation_level": "AUTOCOMMIT", "connect_args": {"connect_timeout": 3}}
    engine = create_engine(db.engine.url, **options)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_WAIT_SECONDS}")
        yield connection
    engine.dispose()


def insist(connection: Connection, statement: str) -> None:
    """Until nobody else has the table: whoever comes meanwhile waits for two seconds at most, and has its turn."""
    for left in reversed(range(_TRIES)):
        try:
            connection.exec_driver_sql(statement)
        except OperationalError as error:
            if error.orig is None or error.orig.args[0] != 1205:
                raise
            if not left:
                raise Unavailable("The tables of mails are in use by something that takes long: try again later.") from None
            time.sleep(1)
        else:
            return


def partition(by: str, told: Told) -> None:
    """May be stopped and repeated; until it is done all stays as it was, only slower."""
    _must_be_able()
    if is_cluster():
        raise Conflict("Not on a Galera cluster: to drop a partition all its nodes would have to be locked at once, and none can be.")
    waiting = [model for model in KEYS if not partitions(model)]
    for name, (rows, size) in sizes().items():
        told.say(f"{name}: about {rows} rows, {size >> 20} MB")
    if not waiting:
        told.say("All of them are in partitions already.")
        return
    clause = _definitions(by)
    told.say(f"{len(clause) - 1} partitions, {clause[0].split()[1]} to {clause[-2].split()[1]}, and one for what comes later.")
    if told.dry:
        told.say("While a table is made anew nothing can be written to it.")
        return
    db.session.rollback()
    with patient_connection() as connection:
        began = monotonic()
        _keep_identities_beside(connection)
        told.say(f"mail_identity has all identities, {monotonic() - began:.0f} s.")
        for model in waiting:
            began = monotonic()
            index = "DROP INDEX ux_mail_identity, ADD INDEX ux_mail_identity (identity) " if model is Mail else ""
            by_range = f"PARTITION BY RANGE ({KEYS[model]}) ({', '.join(clause)})"
            insist(connection, f"ALTER TABLE {model.__tablename__} {index}{by_range}")
            told.say(f"{model.__tablename__} is in partitions, {monotonic() - began:.0f} s.")


def undo(told: Told) -> None:
    """May be stopped and repeated, likewise."""
    _must_be_able()
    there = [model for model in KEYS if partitions(model)]
    for name, (rows, size) in sizes().items():
        told.say(f"{name}: about {rows} rows, {size >> 20} MB")
    db.session.rollback()
    if told.dry:
        told.say(f"{len(there)} tables would be made anew in one piece; while one is nothing can be written to it.")
        return
    with patient_connection() as connection:
        for model in there:
            insist(connection, f"ALTER TABLE {model.__tablename__} REMOVE PARTITIONING")
            told.say(f"{model.__tablename__} is in one piece.")
        if not connection.exec_driver_sql("SHOW INDEX FROM mail WHERE Key_name = 'ux_mail_identity' AND Non_unique = 0").all():
            insist(connection, "ALTER TABLE mail DROP INDEX ux_mail_identity, ADD UNIQUE INDEX ux_mail_identity (identity)")
        for name in _TRIGGERS:
            insist(connection, f"DROP TRIGGER IF EXISTS {name}")
        insist(connection, "DROP TABLE IF EXISTS mail_identity")
    told.say("There are no partitions any more.")


def make_ahead(by: str) -> int:
    """How many there are now that were not."""
    made = 0
    for model in KEYS:
        there = partitions(model)
        db.session.rollback()
        if len(there) < 2:
            continue
        coming = _between(id_time(there[-1].low), _ahead(by), by)
        if coming:
            with patient_connection() as connection:
                pieces = ", ".join([*coming, f"PARTITION {REST} VALUES LESS THAN MAXVALUE"])
                insist(connection, f"ALTER TABLE {model.__tablename__} REORGANIZE PARTITION {REST} INTO ({pieces})")
            made += len(coming)
    return made


def _must_be_able() -> None:
    if not can_be():
        raise Conflict("Only MariaDB and MySQL can have mails in partitions.")


def _keep_identities_beside(connection: Connection) -> None:
    """The triggers first, then what was there: so none is left out."""
    columns = "identity VARBINARY(16) NOT NULL PRIMARY KEY, mail_id BIGINT NOT NULL, KEY ix_mail_identity_mail (mail_id)"
    connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS mail_identity ({columns}) ENGINE=InnoDB")
    for name, words in _TRIGGERS.items():
        try:
            insist(connection, f"CREATE TRIGGER IF NOT EXISTS {name} {words}")
        except OperationalError as error:
            if not partitions():
                insist(connection, "DROP TRIGGER IF EXISTS mail_identity_in")
                insist(connection, "DROP TABLE mail_identity")
            reason = error.orig.args[-1] if error.orig else error
            raise Conflict(f"Partitions need triggers, and the database allows none: {reason}") from None
    above = -1
    while True:
        # Held for a moment: what is deleted in between would stay behind.
        some = select(Mail.id).where(Mail.id > above).order_by(Mail.id).limit(_AT_ONCE).subquery()
        last = connection.scalar(select(func.max(some.c.id)))
        if last is None:
            return
        taken = f"SELECT identity, id FROM mail WHERE id > {above} AND id <= {last} LOCK IN SHARE MODE"  # noqa: S608 - numbers of ours
        connection.exec_driver_sql(f"INSERT IGNORE INTO mail_identity (identity, mail_id) {taken}")
        above = last


def _definitions(by: str) -> list[str]:
    oldest, _ = bounds()
    end = _ahead(by)
    first = max(id_time(oldest) if oldest else utcnow(), end - _MOST * (timedelta(days=1) if by == "day" else timedelta(days=28)))
    return [*_between(_start(first, by), end, by), f"PARTITION {REST} VALUES LESS THAN MAXVALUE"]


def _between(first: datetime, end: datetime, by: str) -> list[str]:
    """From one that begins then on, up to that moment."""
    pieces, start = [], first
    while start < end:
        following = _next(start, by)
        pieces.append(f"PARTITION p{start:%Y%m%d} VALUES LESS THAN ({first_id_at(following)})")
        start = following
    return pieces


def _ahead(by: str) -> datetime:
    moment = _start(utcnow(), by)
    for _ in range(AHEAD[by] + 1):
        moment = _next(moment, by)
    return moment


def _start(moment: datetime, by: str) -> datetime:
    return datetime(moment.year, moment.month, moment.day if by == "day" else 1, tzinfo=UTC)


def _next(moment: datetime, by: str) -> datetime:
    """The next beginning of a day or a month."""
    return _start(_start(moment, by) + timedelta(days=1 if by == "day" else 31), by)
