"""Which way into the mails a search takes: the index that leaves the fewest, or the time order itself.

A `Way` is one or more branches that an index serves; their union holds every mail the search can find.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union
from sqlalchemy.sql.selectable import CompoundSelect

from app.models import Mail, MailRecipient
from app.queries.bounded import Deadline, TooSlow, fetch

_SEVERAL = ("ix_mail_recipient_domain", "ix_mail_recipient_base", "ix_mail_recipient_personal")
"""Under which one mail may stand more than once."""
_COARSE = ("_domain", "_base", "_personal", "_auth_user", "_score", "_has_virus", "_release", "_copy_state", "_action")


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    condition: ColumnElement[bool]
    index: str
    is_ordered: bool = True
    """An equality: its entries stand in the order of ids. A range does not."""

    @property
    def key(self) -> Any:
        return MailRecipient.mail_id if self.index.startswith("ix_mail_recipient") else Mail.id

    def ids(self, bounds: "Bounds") -> Select[Any]:
        model = self.key.class_
        hint = f"FORCE INDEX ({self.index})"
        query = select(self.key).where(self.condition, *bounds.conditions(self.key))
        return query.with_hint(model, hint, "mysql").with_hint(model, hint, "mariadb")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids from `low` to below `high`."""

    low: int | None = None
    high: int | None = None

    def conditions(self, key: Any) -> list[ColumnElement[bool]]:
        above = [] if self.low is None else [key >= self.low]
        return above if self.high is None else [*above, key < self.high]

    def within(self, low: int | None, high: int | None) -> "Bounds":
        lows = [value for value in (self.low, low) if value is not None]
        highs = [value for value in (self.high, high) if value is not None]
        return Bounds(max(lows, default=None), min(highs, default=None))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One filter, or the scope: what it demands of a mail, and the index that serves it, if any."""

    condition: ColumnElement[bool] | None
    """None where the ways alone say it."""
    branches: tuple[Branch, ...] = ()
    needs_detail: bool = False
    check: Any = None
    """What the database cannot compare: a function of the row's symbols."""

    @property
    def is_ordered(self) -> bool:
        return all(branch.is_ordered for branch in self.branches)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    bounds: Bounds
    way: Part | None
    """None: walk back in time."""
    rest: tuple[Part, ...]
    count: int | None
    """How many mails the way holds, never more than cap + 1; None: not known."""

    @property
    def needs_detail(self) -> bool:
        return any(part.needs_detail for part in self.rest)

    @property
    def is_exact(self) -> bool:
        """All that the way holds is found."""
        return not self.rest


def plan_of(connection: Connection, parts: Sequence[Part], bounds: Bounds, cap: int, deadline: Deadline) -> Plan:
    """The best plan that can be found in time; else the first index there is, which is the scope's where there is a scope."""
    try:
        return make_plan(connection, parts, bounds, cap, max(deadline.left() / 2, 0.05))
    except TooSlow:
        way = next((part for part in parts if part.branches and part.is_ordered), None)
        return Plan(bounds, way, tuple(part for part in parts if part is not way), None)


def _rank(part: Part) -> int:
    """Of two that both hold too many to count, the one that is likely to hold fewer."""
    return next((place for place, word in enumerate(_COARSE, 1) if word in part.branches[0].index), 0)


def make_plan(connection: Connection, parts: Sequence[Part], bounds: Bounds, cap: int, seconds: float) -> Plan:
    """Counts each possible way, no further than `cap`, and takes the smallest."""
    best: Part | None = None
    least = cap + 2
    for part in sorted((part for part in parts if part.branches), key=_rank):
        count = count_of(connection, part.branches, bounds, cap, seconds)
        if count < least and (part.is_ordered or count <= cap):
            best, least = part, count
    rest = tuple(part for part in parts if part is not best)
    if best is not None:
        return Plan(bounds, best, rest, least)
    return Plan(bounds, None, rest, None if rest else count_all(connection, bounds, cap, seconds))


def count_of(connection: Connection, branches: Sequence[Branch], bounds: Bounds, cap: int, seconds: float) -> int:
    """Each mail once, and never more than cap + 1."""
    queries: list[Any] = [_ids(branch, bounds).limit(cap + 1) for branch in branches]
    found: Select[Any] | CompoundSelect[Any] = union(*(select(query.subquery()) for query in queries)) if len(queries) > 1 else queries[0]
    ids = found.subquery()
    return min(cap + 1, int(fetch(connection, select(func.count()).select_from(ids), seconds)[0][0]))


def _ids(branch: Branch, bounds: Bounds) -> Select[Any]:
    """A mail may have several recipients in one domain, and several of many addresses."""
    query = branch.ids(bounds)
    once = branch.is_ordered and branch.index not in _SEVERAL
    return query if once or branch.key.class_ is Mail else query.distinct()


def count_all(connection: Connection, bounds: Bounds, cap: int, seconds: float) -> int:
    ids = select(Mail.id).where(*bounds.conditions(Mail.id)).limit(cap + 1).subquery()
    return int(fetch(connection, select(func.count()).select_from(ids), seconds)[0][0])
