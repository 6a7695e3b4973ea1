"""Mails that are old enough go by whole partitions, where not one of them has to stay: in the same time however many they are."""

import logging
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, delete
from sqlalchemy.exc import DBAPIError

from app.clock import monotonic
from app.errors import MailkeepError
from app.extensions import PanelSession, db
from app.models import PARTS_OF_A_MAIL, Extent, Mail, MailDetail, MailRecipient
from app.queries.partitions import (
    ASKED,
    IDENTITIES,
    KEYS,
    REST,
    Partition,
    is_any_at_work,
    is_cluster,
    look_of,
    mails_between,
    partitions,
    still_told,
)
from app.queries.retention import Kept, Rules, aged, before, copy_bytes_of, is_searched_through
from app.services.copy_removal import take_leave_of_all
from app.services.expiry import Batch, Pace, copies_of, sorted_out
from app.services.partitions import insist, make_ahead, patient_connection

log = logging.getLogger(__name__)

_READ = 1000
_MOST_LATE = 1000
"""Mails that come from a spool into a partition that is gone; with so many, what is left of it stays until they have gone, too."""
_UNTIL_THEY_ARE_GONE = timedelta(hours=1)
"""So long a copy is not looked at whose mail goes with its partition."""


def begin_of_whole(moment_id: int) -> int:
    """Of the partition that holds this id: its mails go together, when the youngest of them is old enough."""
    return max((each.low for each in partitions() if each.low <= moment_id < each.high), default=moment_id)


def drop_whole(report: Any, tallies: Any, now: datetime) -> None:
    """What cannot go whole is left to whoever takes mail after mail."""
    if not partitions() or report.dry or is_cluster():
        return
    try:
        made = make_ahead(current_app.config["RETENTION_PARTITIONS"])
        if made:
            report.say(f"{made} partitions made ahead.")
        for each in _broken_off():
            _forget(each, report)
        for each in _old_enough(now):
            if report.is_over() or is_searched_through():
                return
            _try(each, report, tallies, now)
    except (MailkeepError, DBAPIError) as error:
        log.warning("retention: partitions: %s", str(getattr(error, "orig", None) or error))
        report.say("The partitions could not be had just now: mails go one after the other.")
    finally:
        db.session.rollback()


def _old_enough(now: datetime) -> list[Partition]:
    """By the longest of the rules, as long as each table has the partition."""
    days = Rules(Extent.MAIL, current_app.config).days
    found = [{each.name for each in partitions(model)} for model in KEYS]
    if not days or not all(found):
        return []
    return [each for each in partitions() if each.name != REST and each.high <= before(days[-1], now)]


def _broken_off() -> list[Partition]:
    there = {each.name for each in partitions()}
    return [each for each in partitions(MailDetail) if each.name not in there]


def _try(whole: Partition, report: Any, tallies: Any, now: datetime) -> None:
    with patient_connection() as connection:
        look = look_of(connection, whole.low, whole.high)
        found = _all_of(whole, report, now)
        if found is None:
            return
        _take_leave_of_copies(whole)
        if not _drop(connection, whole, look):
            report.say(f"{whole.name} is in use: its mails go one after the other.")
            return
    report.say(f"{whole.name} is gone with all {sum(len(batch.gone) for batch, _ in found)} mails.")
    for batch, sizes in found:
        tallies.add(Extent.MAIL.value, batch, sizes)
    _forget(whole, report)


def _all_of(whole: Partition, report: Any, now: datetime) -> list[tuple[Batch, dict[int, int]]] | None:
    """None where one of them has to stay."""
    rules, low = Rules(Extent.MAIL, current_app.config), whole.low
    found: list[tuple[Batch, dict[int, int]]] = []

    def due(row: Any, domains: Any) -> Kept | None:
        return rules.due(row, domains, now)

    while not report.is_over():
        db.session.rollback()
        rows = db.session.execute(aged(Extent.MAIL, low, whole.high, _READ)).all()
        if not rows:
            return found
        batch = sorted_out(rows, due)
        if len(batch.gone) < len(rows):
            return None
        found.append((batch, copy_bytes_of([row.id for row in rows])))
        low = rows[-1].id + 1
    return None


def _take_leave_of_copies(whole: Partition) -> None:
    """Before the drop, as nobody knows of them afterwards; where it does not come to that they are found to be needed still."""
    low, pace = whole.low, Pace()
    while True:
        with cast(PanelSession, db.session()).begin_writing():
            rows = db.session.execute(aged(Extent.COPY, low, whole.high, pace.size * 5)).all()
            if not rows:
                db.session.rollback()
                return
            take_leave_of_all(copies_of(rows), wait=_UNTIL_THEY_ARE_GONE)
            db.session.commit()
        low = rows[-1].id + 1


def _drop(connection: Connection, whole: Partition, look: tuple[Any, ...]) -> bool:
    """With all tables locked that say whether a mail stays, for the moment that this takes. False where something has changed since."""
    db.session.rollback()
    locks = [f"{model.__tablename__} WRITE" for model in KEYS] + [f"{model.__tablename__} READ" for model in ASKED]
    insist(connection, f"LOCK TABLES {', '.join(locks)}")
    try:
        if look_of(connection, whole.low, whole.high) != look or is_any_at_work(connection, whole.low, whole.high):
            return False
        for model in (Mail, MailRecipient):
            connection.exec_driver_sql(f"ALTER TABLE {model.__tablename__} DROP PARTITION {whole.name}")
    finally:
        connection.exec_driver_sql("UNLOCK TABLES")
    return True


def _forget(whole: Partition, report: Any) -> None:
    """What else is told of these mails. The partition of details goes last: as long as it is there, the next run goes on with this."""
    columns = [(model.__table__, model.mail_id) for model in PARTS_OF_A_MAIL if model is not MailDetail]
    for table, mail_id in [*columns, (IDENTITIES, IDENTITIES.c.mail_id)]:
        pace, is_all = Pace(), False
        while not is_all:
            if report.is_over():
                return
            began = monotonic()
            with cast(PanelSession, db.session()).begin_writing():
                late = mails_between(whole.low, whole.high, _MOST_LATE)
                ids = still_told(mail_id, whole.low, whole.high, late, pace.size) if len(late) < _MOST_LATE else ()
                db.session.execute(delete(table).where(mail_id.in_(ids)).execution_options(synchronize_session=False))
                pace.worked()
                db.session.commit()
            is_all = len(ids) < pace.size
            pace.took(monotonic() - began)
    late = mails_between(whole.low, whole.high, 1)
    db.session.rollback()
    if not late:
        with patient_connection() as connection:
            insist(connection, f"ALTER TABLE mail_detail DROP PARTITION {whole.name}")
