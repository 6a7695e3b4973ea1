"""Stored mails per day: one count over a stretch of an index."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import Select, bindparam, func, select, union

from app.extensions import db
from app.ids import first_id_at, id_time
from app.models import CopyState, Mail, MailRecipient
from app.models.base import BigId
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.fields import Filter, Op
from app.queries.personal import count_held
from app.queries.plan import Bounds, Branch
from app.queries.scope import Scope
from app.queries.search import Search, find

_MOST_COUNTED = 80_000
"""So many mails make a page of days full: the database counts some 3,000 of them in a millisecond."""
_MOST_HELD = 1000
_STORED = Branch(Mail.copy_state == CopyState.STORED, "ix_mail_copy_state")


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    count: int | None
    """None: not counted in time."""


@dataclass(frozen=True, slots=True)
class Days:
    days: list[Day]
    """Only those with a stored mail, or that were not counted, newest first."""
    first: date
    last: date
    older: date | None
    """The newest earlier day that has one."""
    held: int = 0
    """So many of them the viewer's own list blocks."""


def stored_days(scope: Scope, last: date, zone: tzinfo, length: int = 14, seconds: float = 1.5) -> Days:
    """The days up to `last` in the viewer's zone, for the whole log or for some recipients: `length` of them, or fewer busy ones."""
    days = [last - timedelta(days=back) for back in range(length)]
    if scope.is_empty:
        return Days([], days[-1], last, None)
    deadline = Deadline(seconds)
    query = _count(scope)
    shown = []
    first, counted = last, 0
    with db.engine.connect() as connection:
        for day in days:
            values = {"low": _start(day, zone), "high": _start(day + timedelta(days=1), zone)}
            try:
                count = fetch(connection, query, max(deadline.left(), 0.05), values)[0][0] if not deadline.is_over else None
            except TooSlow:
                count = None
            shown += [Day(day, count)] if count != 0 else []
            first, counted = day, counted + (count or 0)
            if counted >= _MOST_COUNTED:
                break
    older = _newest_before(scope, _start(first, zone), seconds)
    bounds = Bounds(_start(first, zone), _start(last + timedelta(days=1), zone))
    held = count_held(scope, bounds, _MOST_HELD, max(deadline.left(), 0.1)) if shown and not scope.everything else 0
    return Days(shown, first, last, None if older is None else id_time(older).astimezone(zone).date(), held or 0)


def _start(day: date, zone: tzinfo) -> int:
    return first_id_at(datetime.combine(day, time(), zone))


def _count(scope: Scope) -> Select[Any]:
    """Made once and asked for each day: a count over a stretch of an index."""
    low: Any = bindparam("low", type_=BigId)
    high: Any = bindparam("high", type_=BigId)
    return select(func.count()).select_from(_stored(scope, Bounds(low, high)).subquery())


def _newest_before(scope: Scope, before: int, seconds: float) -> int | None:
    rows = find(Search(scope, (Filter("stored", Op.IS, True),)), 1, before=before, seconds=seconds, cap=1000).rows
    return rows[0].id if rows else None


def _stored(scope: Scope, bounds: Bounds) -> Select[Any]:
    if scope.everything:
        return _STORED.ids(bounds)
    if scope.tagged:  # each index by itself: read for several at once, none of them serves
        ids = union(*(branch.ids(bounds) for branch in scope.branches())).subquery()
        return select(Mail.id).join(ids, ids.c.mail_id == Mail.id).where(Mail.copy_state == CopyState.STORED)
    query = select(MailRecipient.mail_id).join(Mail, Mail.id == MailRecipient.mail_id)
    query = query.where(scope.recipient(), Mail.copy_state == CopyState.STORED, *bounds.conditions(MailRecipient.mail_id))
    return query.distinct() if scope.domains or len(scope.addresses) > 1 else query
