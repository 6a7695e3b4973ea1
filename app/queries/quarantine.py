"""Stored mails per day: one count over a stretch of an index."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from app.extensions import db
from app.ids import TIME_SHIFT, first_id_at, id_time
from app.models import CopyState, Mail, MailRecipient
from app.queries.bounded import fetch
from app.queries.fields import Filter, Op
from app.queries.plan import Bounds, Branch
from app.queries.search import Search, find

_PART = 15 * 60 * 1000 << TIME_SHIFT
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
    first = last - timedelta(days=length - 1)
    if addresses == ():
        return Days([], first, last, None)
    bounds = Bounds(_start(first, zone), _start(last + timedelta(days=1), zone))
    counts: Counter[date] = Counter()
    with db.engine.connect() as connection:
        for part, count in fetch(connection, _per_part(addresses, bounds), seconds):
            counts[id_time(part * _PART).astimezone(zone).date()] += count
    shown = [Day(day, counts[day]) for day in sorted(counts, reverse=True)]
    older = _newest_before(addresses, bounds.low or 0, seconds)
    return Days(shown, first, last, None if older is None else id_time(older).astimezone(zone).date())


def _start(day: date, zone: tzinfo) -> int:
    return first_id_at(datetime.combine(day, time(), zone))


def _per_part(addresses: tuple[str, ...] | None, bounds: Bounds) -> Select[Any]:
    """Counts per quarter of an hour: of these every time zone's days are made."""
    stored = _stored(addresses, bounds).subquery()
    whole = "DIV" if db.engine.dialect.name in ("mysql", "mariadb") else "/"  # SQLAlchemy's // would count in decimals there
    part = stored.c[0].op(whole)(_PART).label("part")
    return select(part, func.count()).select_from(stored).group_by(part)


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
