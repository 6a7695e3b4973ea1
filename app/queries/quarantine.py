"""Stored mails per day: one count over an index for each day, no day more than once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, union_all

from app.extensions import db
from app.ids import first_id_at, id_time
from app.models import CopyState, Mail, MailRecipient
from app.queries.bounded import fetch
from app.queries.fields import Filter, Op
from app.queries.plan import Bounds, Branch
from app.queries.search import Search, find

_STORED = Branch(Mail.copy_state == CopyState.STORED, "ix_mail_copy_state")


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    count: int


@dataclass(frozen=True, slots=True)
class Days:
    days: list[Day]
    """Only those with a stored mail, newest first."""
    first: date
    last: date
    older: date | None
    """The newest earlier day that has one."""


def stored_days(addresses: tuple[str, ...] | None, last: date, zone: tzinfo, length: int = 31, seconds: float = 1.5) -> Days:
    """The days up to `last` in the viewer's zone, for the whole log or for some recipients."""
    days = [last - timedelta(days=back) for back in range(length)]
    first = days[-1]
    if addresses == ():
        return Days([], first, last, None)
    with db.engine.connect() as connection:
        counts = _counts(connection, addresses, days, zone, seconds)
    older = _newest_before(addresses, _start(first, zone), seconds)
    shown = [Day(day, counts[number]) for number, day in enumerate(days) if counts.get(number)]
    return Days(shown, first, last, None if older is None else id_time(older).astimezone(zone).date())


def _start(day: date, zone: tzinfo) -> int:
    return first_id_at(datetime.combine(day, time(), zone))


def _counts(
    connection: Connection, addresses: tuple[str, ...] | None, days: Sequence[date], zone: tzinfo, seconds: float
) -> dict[int, int]:
    queries = []
    for number, day in enumerate(days):
        ids = _stored(addresses, Bounds(_start(day, zone), _start(day + timedelta(days=1), zone))).subquery()
        queries.append(select(literal(number).label("number"), func.count().label("mails")).select_from(ids))
    return {row.number: row.mails for row in fetch(connection, select(union_all(*queries).subquery()), seconds)}


def _newest_before(addresses: tuple[str, ...] | None, before: int, seconds: float) -> int | None:
    rows = find(Search(addresses, (Filter("stored", Op.IS, True),)), 1, before=before, seconds=seconds, cap=1000).rows
    return rows[0].id if rows else None


def _stored(addresses: tuple[str, ...] | None, bounds: Bounds) -> Select[Any]:
    if addresses is None:
        return _STORED.ids(bounds)
    wanted: ColumnElement[bool] = MailRecipient.address.in_(addresses)
    query = select(MailRecipient.mail_id).join(Mail, Mail.id == MailRecipient.mail_id)
    query = query.where(wanted, Mail.copy_state == CopyState.STORED, *bounds.conditions(MailRecipient.mail_id))
    return query.distinct() if len(addresses) > 1 else query
