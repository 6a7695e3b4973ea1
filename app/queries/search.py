"""The mails that a search finds, a page at a time, within its time: what no index serves is looked for as far back as time allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, literal, select

from app.extensions import db
from app.ids import MAX_ID
from app.models import Mail, MailDetail, MailRecipient
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.fields import Filter, bounds_of, part_of
from app.queries.personal import own_wish
from app.queries.plan import Bounds, Part, Plan, plan_of
from app.queries.scope import Scope
from app.queries.walk import Walk, Window, conditions_of, joined, passing

_CHECKED_ROWS = 500
"""So many at once where some are dropped only after they were read."""
_COLUMNS = (
    Mail.id,
    Mail.node,
    Mail.action,
    Mail.score,
    Mail.direction,
    Mail.ip,
    Mail.mail_from,
    Mail.mime_from,
    Mail.subject,
    Mail.size,
    Mail.has_virus,
    Mail.has_risk,
    Mail.listed,
    Mail.copy_state,
    Mail.notice_state,
    Mail.release_state,
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and in whose mails: `scope` is queries.visibility.scope_of(user)."""

    scope: Scope
    filters: tuple[Filter, ...] = ()

    def parts(self) -> list[Part]:
        parts = [part for found in self.filters if (part := part_of(found, self.scope)) is not None]
        own = self.scope.part()
        return parts if own is None else [own, *parts]

    @property
    def columns(self) -> tuple[Any, ...]:
        """Of a list's row. Whoever does not see all mail sees no other recipient there, and not how many there are."""
        if self.scope.everything:
            return (*_COLUMNS, Mail.first_rcpt, Mail.rcpt_count)
        mine = select(func.min(MailRecipient.address)).where(MailRecipient.mail_id == Mail.id, self.scope.recipient())
        return (*_COLUMNS, mine.correlate(Mail).scalar_subquery().label("first_rcpt"), literal(1).label("rcpt_count"), self._wish())

    def _wish(self) -> Any:
        """What their personal lists say of it. Who looks after domains sees it of others too, so it is not called their own."""
        return own_wish(self.scope).label("personal" if self.scope.domains else "own_wish")

    @property
    def bounds(self) -> Bounds:
        return bounds_of(self.filters)


@dataclass(frozen=True, slots=True)
class Found:
    rows: list[Row[Any]]
    newer: int | None = None
    """`after` of the page of newer rows, or None where there is none."""
    older: int | None = None
    searched_to: int | None = None
    """Time ran out at this id: beyond it there may be more. None: all has been looked at, or the page is full."""
    count: int | None = None
    """Never more than cap + 1, which stands for "more than the cap"; None: only known by looking at all."""


def find(
    search: Search, size: int, *, before: int | None = None, after: int | None = None, seconds: float = 1.5, cap: int = 10_000
) -> Found:
    """One page, newest first: below `before`, or the ones just above `after`."""
    if search.scope.is_empty:
        return Found([], count=0)
    deadline = Deadline(seconds)
    with db.engine.connect() as connection:
        plan = plan_of(connection, search.parts(), search.bounds, cap, deadline)
        upwards = after is not None and before is None
        inside = plan.bounds.within(after + 1 if upwards and after is not None else None, before)
        walk = Walk(connection, Plan(inside, plan.way, plan.rest, None), deadline, newest_first=not upwards, wanted=size + 1)
        rows = _gather(walk, search.columns, size + 1)
    edge = walk.cursor if walk.cursor is not None else 0 if upwards else MAX_ID
    stopped = None if walk.is_complete or len(rows) > size else edge
    more = len(rows) > size
    rows = rows[:size][::-1] if upwards else rows[:size]
    count = plan.count if plan.is_exact else len(rows) if walk.is_complete and not more and before is None and not upwards else None
    if upwards:
        newer = rows[0].id if rows and more else None
        older = rows[-1].id if rows else min(after + 1, MAX_ID - 1) if after is not None else None
    else:
        newer = None if before is None else rows[0].id if rows else before - 1 or None
        older = rows[-1].id if rows and more else None
    return Found(rows, newer, older, stopped, count)


def _gather(walk: Walk, columns: tuple[Any, ...], wanted: int) -> list[Row[Any]]:
    if any(part.check for part in walk.plan.rest):
        columns = (*columns, MailDetail.symbols)
    order = Mail.id.desc() if walk.newest_first else Mail.id.asc()
    base = joined(select(*columns), walk.plan).where(*conditions_of(walk.plan)).order_by(order)
    rows: list[Row[Any]] = []
    limit = max(wanted, _CHECKED_ROWS) if any(part.check for part in walk.plan.rest) else wanted
    for window in walk.windows():
        try:
            found = fetch(walk.connection, base.where(*window.conditions()).limit(limit), walk.seconds())
        except TooSlow:
            if not walk.shrink():
                return rows
            continue
        _take(walk, window, found, limit)
        rows += passing(walk.plan, found)
        if len(rows) >= wanted:
            return rows[:wanted]
    return rows


def _take(walk: Walk, window: Window, found: Sequence[Row[Any]], limit: int) -> None:
    """Moves the cursor: past the window, or only to the last row where there may be more in it."""
    if len(found) < limit:
        walk.passed(window)
    else:
        walk.cursor = found[-1].id if walk.newest_first else found[-1].id + 1


def further(page: Found, before: int) -> int | None:
    """`before` of the page after this one, or None at the end: also where a page without time got nowhere."""
    beyond = page.older or page.searched_to
    return beyond if beyond is not None and beyond < before else None
