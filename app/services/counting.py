"""The sums of an hour, written at once and with those of its day; and mails that came late, added to them."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from flask import current_app
from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.exc import OperationalError

from app.extensions import PanelSession, db
from app.ids import first_id_of_hour, id_hour
from app.models import Counted, CountState, DailyCount, HourlyCount, LateMail
from app.queries.counts import Key, Sum, Sums, late_between, late_of_one_hour, merge, slices_of, sums_between, sums_of, with_few_names
from app.services.job import Report
from app.services.moves import run
from app.services.tries import tried

log = logging.getLogger(__name__)

DAY = 24
_TRIES = 5
_MARKS_AT_ONCE = 500
_KEYS = ("kind", "name", "node", "action", "direction")


def count_hour(hour: int, report: Report, told: frozenset[str], **state: Any) -> bool:
    """As if nothing of it had been counted before. `state` is what the row of count_state says once this is done. False where mails of
    it kept coming in late, or the run is to end: the next run counts it."""
    for _ in range(_TRIES):
        late = late_between(hour, hour + 1)
        sums = _counted(hour, report, told)
        if sums is None:
            return False
        try:
            if _write(hour, sums, late, report, state):
                return True
        except OperationalError as error:  # a cluster's other node was faster
            db.session.rollback()
            log.info("rollups: hour %d is written anew: %s", hour, error.orig)
    return False


def _counted(hour: int, report: Report, told: frozenset[str]) -> Sums | None:
    sums: Sums = {}
    for low, high in slices_of(hour):
        if report.is_over():
            return None
        db.session.rollback()  # each slice reads for itself: nothing is held open for long
        merge(sums, sums_between(low, high))
        sums = with_few_names(sums, told)
    db.session.rollback()
    return with_few_names(sums, told, current_app.config["STATISTICS_NAMES"])


def _write(hour: int, sums: Sums, late: int, report: Report, state: Mapping[str, Any]) -> bool:
    """What was marked as late before it was counted is in the sums; where there are other marks by now, nobody knows."""
    within = (LateMail.mail_id >= first_id_of_hour(hour), LateMail.mail_id < first_id_of_hour(hour + 1))
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        if run(delete(LateMail).where(*within)) != late:
            db.session.rollback()
            return False
        run(delete(HourlyCount).where(HourlyCount.kind.in_(list(Counted)), HourlyCount.hour == hour))
        if sums:
            db.session.execute(insert(HourlyCount), [_row(hour, key, found) for key, found in sums.items()])
        _sum_up(hour - hour % DAY)
        set_state(**state)
        db.session.commit()
    return True


def _sum_up(day: int) -> None:
    run(delete(DailyCount).where(DailyCount.kind.in_(list(Counted)), DailyCount.hour == day))
    keys = [getattr(HourlyCount, name) for name in _KEYS]
    columns = [func.sum(getattr(HourlyCount, name)) for name in Sum.__slots__]
    within = (HourlyCount.kind.in_(list(Counted)), HourlyCount.hour >= day, HourlyCount.hour < day + DAY)
    query = select(literal(day), *keys, *columns).where(*within).group_by(*keys)
    run(insert(DailyCount).from_select(["hour", *_KEYS, *Sum.__slots__], query))


def add_late(since: int, before: int, report: Report, told: frozenset[str]) -> int:
    """Some of one hour: how many; nothing where there are none."""
    return tried(partial(_add_some, since, before, report, told))


def _add_some(since: int, before: int, report: Report, told: frozenset[str]) -> int:
    db.session.rollback()
    ids = late_of_one_hour(since, before)
    if not ids:
        return 0
    hour, sums = id_hour(ids[0]), sums_of(ids)
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        if run(delete(LateMail).where(LateMail.mail_id.in_(ids))) != len(ids):
            db.session.rollback()
            return 0
        sums = with_few_names(sums, told, current_app.config["STATISTICS_NAMES"], _names_of(hour))
        _add(HourlyCount, hour, sums)
        _add(DailyCount, hour - hour % DAY, sums)
        db.session.commit()
    return len(ids)


def _names_of(hour: int) -> frozenset[tuple[str, str]]:
    within = (HourlyCount.kind.in_([Counted.TO, Counted.FROM, Counted.VIRUS]), HourlyCount.hour == hour)
    found = db.session.execute(select(HourlyCount.kind, HourlyCount.name).where(*within).distinct())
    return frozenset((row.kind, row.name) for row in found)


def _add(model: type[HourlyCount] | type[DailyCount], hour: int, sums: Sums) -> None:
    names = {key[1] for key in sums}
    within = (model.kind.in_(list(Counted)), model.hour == hour, model.name.in_(names))
    there = {(row.kind, row.name, row.node, row.action, row.direction): row for row in db.session.scalars(select(model).where(*within))}
    for key, found in sums.items():
        if key in there:
            for column in Sum.__slots__:
                setattr(there[key], column, getattr(there[key], column) + getattr(found, column))
        else:
            db.session.add(model(**_row(hour, key, found)))


def _row(hour: int, key: Key, found: Sum) -> dict[str, Any]:
    return {"hour": hour} | dict(zip(_KEYS, key, strict=True)) | {name: getattr(found, name) for name in Sum.__slots__}


def set_state(**values: Any) -> None:
    """Joins a transaction."""
    if values:
        run(update(CountState).where(CountState.id == 1).values(**values))


def forget_marks(hour: int) -> int:
    """Some of late mails that are older than anything that is kept."""
    return tried(partial(_forget_some, hour))


def _forget_some(hour: int) -> int:
    with cast(PanelSession, db.session()).begin_writing():
        ids = db.session.scalars(select(LateMail.mail_id).where(LateMail.mail_id < first_id_of_hour(hour)).limit(_MARKS_AT_ONCE)).all()
        gone = run(delete(LateMail).where(LateMail.mail_id.in_(ids))) if ids else 0
        db.session.commit()
    return gone


def forget_before(hour: int, limit: int) -> int:
    """Whole days that are older, one after the other, but so many at most: how many rows."""
    oldest = db.session.scalar(select(func.min(DailyCount.hour)).where(DailyCount.kind == Counted.ALL, DailyCount.hour < hour))
    if oldest is None:
        return 0
    gone = 0
    for day in range(oldest, min(hour, oldest + limit * DAY), DAY):
        gone += tried(partial(_forget_day, day))
    return gone


def _forget_day(day: int) -> int:
    gone = 0
    with cast(PanelSession, db.session()).begin_writing():
        for model in (HourlyCount, DailyCount):
            within = (model.kind.in_(list(Counted)), model.hour >= day, model.hour < day + DAY)
            gone += run(delete(model).where(*within))
        db.session.commit()
    return gone
