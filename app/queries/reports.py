"""What was counted, over a stretch of hours: by time, by node, by domain; never more than the scope of who asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select, true, union_all

from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import Counted, CountState, DailyCount, HourlyCount
from app.queries.bounded import TooSlow, fetch
from app.queries.counts import Sum
from app.queries.scope import Scope
from app.rspamd.actions import Action, tone_of

_DAY = 24
_ONLY_HOURS = 3 * _DAY
_MOST_CUT = 30
"""So many days may be taken apart into their hours; a stretch that needs more is read from hours alone."""
_COLUMNS = ("kind", "hour", "name", "node", "action", "direction", *Sum.__slots__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Hours since 1970: the beginning of each bar, and the end of the last."""

    edges: tuple[int, ...]
    node: str = ""
    direction: str = ""
    domain: str = ""


@dataclass(slots=True)
class Bar:
    low: int
    high: int
    actions: dict[str, Sum] = field(default_factory=dict)

    def total(self) -> Sum:
        return total_of(self.actions.values())


@dataclass(frozen=True, slots=True)
class Top:
    """A domain, a virus or a node."""

    name: str
    mails: int
    bytes: int
    viruses: int
    refused: int


def total_of(sums: Any) -> Sum:
    total = Sum()
    for each in sums:
        total.add(each)
    return total


def is_empty(scope: Scope) -> bool:
    """Sums are of domains: who sees only mail to some addresses sees none of them."""
    return not (scope.everything or scope.domains)


def by_time(scope: Scope, asked: Asked) -> list[Bar]:
    """All bars, also those of hours in which nothing came."""
    bars = [Bar(low, high) for low, high in zip(asked.edges, asked.edges[1:], strict=False)]
    found = _counts(scope, asked)
    if found is None:
        return bars
    sums = [func.sum(found.c[name]) for name in Sum.__slots__]
    at = 0
    for hour, action, *values in _fetch(select(found.c.hour, found.c.action, *sums).group_by("hour", "action").order_by("hour")):
        while hour >= bars[at].high:
            at += 1
        mails, size, stored, viruses, scanned, scan_ms = values
        more = Sum(int(mails), int(size), int(stored), int(viruses), int(scanned), float(scan_ms))
        bars[at].actions.setdefault(action, Sum()).add(more)
    return bars


def by_name(scope: Scope, asked: Asked, kind: Counted, most: int) -> list[Top]:
    """The busiest, of recipients' domains those of the scope; of senders and viruses only for who sees all."""
    if kind != Counted.TO and (not scope.everything or asked.domain):
        return []
    return _top(_counts(scope, asked, kind), "name", most)


def by_node(scope: Scope, asked: Asked, most: int) -> list[Top]:
    return _top(_counts(scope, asked), "node", most)


def how_far() -> CountState | None:
    return db.session.get(CountState, 1)


def _top(found: Any, column: str, most: int) -> list[Top]:
    if found is None:
        return []
    refused = func.sum(case((found.c.action.in_([each for each in Action if tone_of(each) == "bad"]), found.c.mails), else_=0))
    mails = func.sum(found.c.mails)
    query = select(found.c[column], mails, func.sum(found.c.bytes), func.sum(found.c.viruses), refused)
    rows = _fetch(query.group_by(found.c[column]).order_by(mails.desc(), found.c[column]).limit(most))
    return [Top(row[0], *map(int, row[1:])) for row in rows]


def _counts(scope: Scope, asked: Asked, kind: Counted = Counted.ALL) -> Any:
    """The rows that are meant, of days where whole days will do; None where there can be none."""
    if asked.domain and not (scope.everything or asked.domain in scope.domains):
        raise NotFound(_("There is no such domain here."))
    if is_empty(scope) or len(asked.edges) < 2:
        return None
    # Each span by itself: of several in one condition SQLite would read all there is between them.
    parts = [_part(scope, asked, kind, model, *span) for model, spans in pieces(asked.edges).items() for span in spans]
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()


def _part(scope: Scope, asked: Asked, kind: Counted, model: Any, low: int, high: int) -> Select[Any]:
    return select(*(getattr(model, name) for name in _COLUMNS)).where(
        model.hour >= low,
        model.hour < high,
        _names(scope, asked, kind, model),
        model.node == asked.node if asked.node else true(),
        model.direction == asked.direction if asked.direction else true(),
    )


def _names(scope: Scope, asked: Asked, kind: Counted, model: Any) -> ColumnElement[bool]:
    """Whoever does not see all sees the sums of his domains and no others."""
    if asked.domain:
        return and_(model.kind == Counted.TO, model.name == asked.domain)
    if scope.everything:
        return model.kind == kind  # type: ignore[no-any-return]
    return and_(model.kind == Counted.TO, model.name.in_(scope.domains))


def pieces(edges: Sequence[int]) -> dict[Any, list[tuple[int, int]]]:
    """Whole days of UTC from their sums; those in which a bar begins or ends, from their hours."""
    low, high = edges[0], edges[-1]
    cut = sorted({edge - edge % _DAY for edge in edges if edge % _DAY})
    if high - low <= _ONLY_HOURS or len(cut) > _MOST_CUT:
        return {HourlyCount: [(low, high)]}
    days, hours, at = [], [], low + -low % _DAY
    for day in cut:
        hours.append((max(low, day), min(high, day + _DAY)))
        if day > at:
            days.append((at, day))
        at = max(at, day + _DAY)
    if high > at:
        days.append((at, high))
    return {DailyCount: days, HourlyCount: hours}


def _fetch(query: Select[Any]) -> Sequence[Row[Any]]:
    try:
        with db.engine.connect() as connection:
            return fetch(connection, query, current_app.config["SEARCH_SECONDS"])
    except TooSlow:
        raise Unavailable(_("The sums could not be read in time; a shorter stretch takes less.")) from None
