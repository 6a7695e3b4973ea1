"""Sums over all that a search finds, as far back as its time allows. Asked for by itself, so that no list waits for it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, case, func, select

from app.extensions import db
from app.ids import MAX_ID
from app.models import CopyState, Mail, MailDetail, NoticeState, ReleaseState
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.plan import Plan, plan_of
from app.queries.search import Search
from app.queries.walk import Walk, Window, conditions_of, joined, passing

_FLAGS = {
    "stored": Mail.copy_state == CopyState.STORED,
    "notified": Mail.notice_state == NoticeState.SENT,
    "released": Mail.release_state == ReleaseState.RELEASED,
    "virus": Mail.has_virus.is_(True),
}


@dataclass(slots=True)
class Statistics:
    count: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    """stored, notified, released, virus."""
    actions: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    """Ids, of the oldest and the newest mail."""
    last: int | None = None
    searched_to: int | None = None
    """Time ran out at this id; None: all has been counted."""

    def add(self, action: str, count: int, flags: dict[str, int], first: int, last: int) -> None:
        self.count += count
        self.actions[action] += count
        self.flags.update(flags)
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


def statistics_of(search: Search, seconds: float = 1.5, cap: int = 10_000) -> Statistics:
    found = Statistics()
    if search.scope.is_empty:
        return found
    deadline = Deadline(seconds)
    with db.engine.connect() as connection:
        plan = plan_of(connection, search.parts(), search.bounds, cap, deadline)
        walk = Walk(connection, plan, deadline, wanted=500)
        for window in walk.windows():
            try:
                _add_window(walk, window, found)
            except TooSlow:
                if not walk.shrink():
                    break
                continue
            walk.passed(window)
    if not walk.is_complete:
        found.searched_to = MAX_ID if walk.cursor is None else walk.cursor
    return found


def _add_window(walk: Walk, window: Window, found: Statistics) -> None:
    if any(part.check for part in walk.plan.rest):
        for row in passing(walk.plan, _marked_rows(walk, window)):
            found.add(row.action, 1, {name: int(getattr(row, name)) for name in _FLAGS}, row.id, row.id)
        return
    sums = (func.sum(case((condition, 1), else_=0)).label(name) for name, condition in _FLAGS.items())
    columns = (Mail.action, func.count().label("mails"), func.min(Mail.id).label("first"), func.max(Mail.id).label("last"), *sums)
    query = _within(select(*columns), walk.plan, window).group_by(Mail.action)
    for row in fetch(walk.connection, query, walk.seconds()):
        found.add(row.action, row.mails, {name: int(getattr(row, name)) for name in _FLAGS}, row.first, row.last)


def _marked_rows(walk: Walk, window: Window) -> list[Row[Any]]:
    flags = (case((condition, 1), else_=0).label(name) for name, condition in _FLAGS.items())
    query = _within(select(Mail.id, Mail.action, MailDetail.symbols, *flags), walk.plan, window)
    return list(fetch(walk.connection, query, walk.seconds()))


def _within(query: Any, plan: Plan, window: Window) -> Any:
    return joined(query.select_from(Mail), plan).where(*conditions_of(plan), *window.conditions())
