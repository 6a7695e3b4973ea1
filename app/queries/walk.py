"""From a plan to rows: batches of ids from an index, or slices of time, until enough is found or the time is up."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from app.clock import monotonic
from app.ids import MAX_ID, TIME_SHIFT
from app.models import Mail, MailDetail
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.plan import Bounds, Part, Plan

_STATEMENT_SECONDS = 0.6
_FIRST_SLICE = 2000
_SHORTEST_SLICE = 1000 << TIME_SHIFT
_SLICE_SECONDS = 0.15
_SMALLEST_BATCH = 10
_FIRST_BATCH = 200
_LARGEST_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the mails in which to look: exactly these ids, or all between two."""

    bounds: Bounds
    ids: tuple[int, ...] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        return [Mail.id.in_(self.ids)] if self.ids is not None else self.bounds.conditions(Mail.id)


@dataclass(slots=True)
class Walk:
    """Goes through a plan's mails, newest first (or oldest first), in windows that grow."""

    connection: Connection
    plan: Plan
    deadline: Deadline
    newest_first: bool = True
    wanted: int = _LARGEST_BATCH
    """So many rows are looked for: no window need be larger where all in it count."""
    is_complete: bool = False
    """Nothing is left to look at."""
    cursor: int | None = None
    """All on this side of it has been looked at."""
    size: int = 0
    """Of a batch of ids."""
    length: int = 0
    """Of a slice, in ids: a stretch of time."""
    begun: float = 0.0
    edges: tuple[int | None, int | None] | None = None

    def windows(self) -> Iterator[Window]:
        """Ends with the mails, or with the time."""
        self.cursor = self.plan.bounds.high if self.newest_first else self.plan.bounds.low
        self.size = _FIRST_SLICE if self.plan.way is None else self.wanted if self.plan.is_exact else max(self.wanted, _FIRST_BATCH)
        try:
            stock = self._stock()
        except TooSlow:
            return
        while not self.deadline.is_over:
            try:
                window = self._next(stock)
            except TooSlow:
                if not self.shrink():
                    return
                continue
            if window is None:
                self.is_complete = True
                return
            self.begun = monotonic()
            yield window

    def shrink(self) -> bool:
        """After a statement that took too long: smaller steps. The smallest is tried again while there is time, as a machine may stall."""
        self.size = max(self.size // 8, _SMALLEST_BATCH)
        self.length = max(self.length // 8, _SHORTEST_SLICE)
        return not self.deadline.is_over

    def seconds(self) -> float:
        return min(_STATEMENT_SECONDS, max(self.deadline.left(), 0.05))

    def passed(self, window: Window) -> None:
        """All of the window has been looked at: the next may be larger."""
        self.size = min(self.size * 3, _LARGEST_BATCH)
        took = max(monotonic() - self.begun, 0.001)
        self.length = max(1, int(self.length * min(8.0, max(0.25, _SLICE_SECONDS / took))))
        if window.ids is not None:
            self.cursor = min(window.ids) if self.newest_first else max(window.ids) + 1
        else:
            self.cursor = window.bounds.low if self.newest_first else window.bounds.high

    def ahead(self) -> Bounds:
        """What has not been looked at yet."""
        return self.plan.bounds.within(None, self.cursor) if self.newest_first else self.plan.bounds.within(self.cursor, None)

    # --- where the next window comes from ----------------------------------------------------------------------------------

    def _stock(self) -> list[int] | None:
        """A range of an index is not in the order of ids: it is only taken where it is small, and then read whole."""
        way = self.plan.way
        if way is None or way.is_ordered:
            return None
        found: set[int] = set()
        for branch in way.branches:
            found.update(row[0] for row in fetch(self.connection, branch.ids(self.plan.bounds), self.deadline.left()))
        return sorted(found, reverse=self.newest_first)

    def _next(self, stock: list[int] | None) -> Window | None:
        if stock is not None:
            return self._from_stock(stock)
        return self._next_slice() if self.plan.way is None else self._next_ids(self.plan.way)

    def _from_stock(self, stock: list[int]) -> Window | None:
        ahead = self.ahead()
        low, high = ahead.low or 0, MAX_ID if ahead.high is None else ahead.high
        ids = tuple(mail_id for mail_id in stock if low <= mail_id < high)[: self.size]
        return Window(Bounds(), ids) if ids else None

    def _next_ids(self, way: Part) -> Window | None:
        lists = []
        for branch in way.branches:
            order = branch.key.desc() if self.newest_first else branch.key.asc()
            query = branch.ids(self.ahead()).order_by(order).limit(self.size)
            lists.append([row[0] for row in fetch(self.connection, query, self.seconds())])
        ids: list[int] = []
        for mail_id in heapq.merge(*lists, reverse=self.newest_first):
            if not ids or ids[-1] != mail_id:
                ids.append(mail_id)
        return Window(Bounds(), tuple(ids[: self.size])) if ids else None

    def _next_slice(self) -> Window | None:
        """The next stretch of time, as long as the last one's pace allows: each mail is read once."""
        ahead = self.ahead()
        if self.edges is None:
            self.edges = self._edges(ahead)
        oldest, newest = self.edges
        if oldest is None or newest is None:
            return None
        if self.newest_first:
            high = min(newest + 1, ahead.high or MAX_ID)
            return Window(Bounds(max(oldest, high - self.length), high)) if high > oldest else None
        low = max(oldest, ahead.low or 0)
        return Window(Bounds(low, min(newest + 1, low + self.length))) if low <= newest else None

    def _edges(self, ahead: Bounds) -> tuple[int | None, int | None]:
        """The first and last mail there is to look at; and how long a stretch the next few thousand take."""
        conditions = ahead.conditions(Mail.id)
        first = select(func.min(Mail.id)).where(*conditions).scalar_subquery()
        last = select(func.max(Mail.id)).where(*conditions).scalar_subquery()
        order = Mail.id.desc() if self.newest_first else Mail.id.asc()
        near = select(Mail.id).where(*conditions).order_by(order).limit(self.size).subquery()
        far = select(func.min(near.c.id) if self.newest_first else func.max(near.c.id)).scalar_subquery()
        oldest, newest, end = fetch(self.connection, select(first, last, far), self.seconds())[0]
        if oldest is not None:
            self.length = max(1, newest + 1 - end if self.newest_first else end + 1 - oldest)
        return oldest, newest


def conditions_of(plan: Plan) -> list[ColumnElement[bool]]:
    return [part.condition for part in plan.rest if part.condition is not None]


def joined(query: Select[Any], plan: Plan) -> Select[Any]:
    """With the wide table only where a filter needs it, and after the narrow one has had its say."""
    for dialect in ("mysql", "mariadb"):  # a window is a piece of the primary key, whatever else a filter's index promises
        query = query.with_hint(Mail, "FORCE INDEX (PRIMARY)", dialect)
    if not plan.needs_detail:
        return query
    query = query.join_from(Mail, MailDetail, MailDetail.mail_id == Mail.id)
    return query.prefix_with("STRAIGHT_JOIN", dialect="mysql").prefix_with("STRAIGHT_JOIN", dialect="mariadb")


def passing(plan: Plan, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those that also pass what the database could not compare."""
    checks: list[Part] = [part for part in plan.rest if part.check is not None]
    return [row for row in rows if all(part.check(row.symbols) for part in checks)]
