"""Maps as they were: their revisions, the entries at one of them, and what changed between two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union

from app.errors import NotFound
from app.extensions import db
from app.models import Map, MapEntry, MapRevision
from app.models.maps import ALIVE
from app.queries.map_reach import MapReach

_MANY = 20_000
COMPARED = ("data", "symbol", "score", "comment", "enabled", "expires_at")


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one value: what it was, what it is; None where it was not, or is no more."""

    value: str
    before: MapEntry | None
    after: MapEntry | None

    @property
    def changed(self) -> list[str]:
        """Names of the columns that differ."""
        if self.before is None or self.after is None:
            return []
        return [name for name in COMPARED if getattr(self.before, name) != getattr(self.after, name)]


def at_revision(number: int) -> ColumnElement[bool]:
    """Of the entries of a map: those that were there then."""
    return and_(MapEntry.since <= number, or_(MapEntry.until == ALIVE, MapEntry.until > number))


def revisions_of(reach: MapReach, found: Map, before: int | None = None, size: int = 50) -> tuple[Sequence[MapRevision], int | None]:
    """Newest first, and `before` of the next page. Of pairs, those in which something of theirs was changed."""
    query = _seen(reach, found).order_by(MapRevision.number.desc()).limit(size + 1)
    if before is not None:
        query = query.where(MapRevision.number < before)
    rows = db.session.scalars(query).all()
    return rows[:size], rows[size - 1].number if len(rows) > size else None


def revision_of(reach: MapReach, found: Map, number: int) -> MapRevision:
    row = db.session.scalar(_seen(reach, found).where(MapRevision.number == must_have_been(found, number)))
    if row is None:
        raise NotFound(_("There is no such revision of this map."))
    return row


def must_have_been(found: Map, number: int) -> int:
    """A revision that was, or 0: the empty map before the first."""
    if not 0 <= number <= found.revision:
        raise NotFound(_("There is no such revision of this map."))
    return number


def _seen(reach: MapReach, found: Map) -> Select[tuple[MapRevision]]:
    query = select(MapRevision).where(MapRevision.map_id == found.id)
    if reach.sees_whole(found):
        return query
    mine = (MapEntry.map_id == found.id, reach.condition(found))
    sides = (select(MapEntry.since).where(*mine), select(MapEntry.until).where(*mine, MapEntry.until != ALIVE))
    return query.where(or_(*(MapRevision.number.in_(side) for side in sides)))


def entries_at(reach: MapReach, found: Map, number: int, after: str = "", size: int = 50) -> tuple[Sequence[MapEntry], str | None]:
    """By value, and `after` of the next page."""
    query = select(MapEntry).where(MapEntry.map_id == found.id, at_revision(number), reach.condition(found))
    rows = db.session.scalars(query.where(MapEntry.value > after).order_by(MapEntry.value).limit(size + 1)).all()
    return rows[:size], rows[size - 1].value if len(rows) > size else None


def differences(reach: MapReach, found: Map, old: int, new: int, after: str = "", size: int = 200) -> tuple[list[Difference], str | None]:
    """By value. What was changed and changed back is none."""
    low, high = sorted((old, new))
    # Also what came and went in between, which is no difference.
    then = (MapEntry.since <= high, or_(MapEntry.until == ALIVE, MapEntry.until > low))
    mine = (MapEntry.map_id == found.id, reach.condition(found))
    touched = _touched(found, low, high, (*mine, *then))
    (named,) = touched.selected_columns
    found_differences: list[Difference] = []
    while True:
        names = db.session.scalars(touched.where(named > after).order_by(named).limit(size + 1)).all()
        if not names:
            return found_differences, None
        page = names[:size]
        # Whatever became of them: told their revisions, SQLite would rather read all of the map that is that old.
        rows: list[Any] = list(db.session.scalars(select(MapEntry).where(*mine, MapEntry.value.in_(page))))
        before = {row.value: row for row in rows if _was_there(row, old)}
        now = {row.value: row for row in rows if _was_there(row, new)}
        pairs = (Difference(value, before.get(value), now.get(value)) for value in page)
        found_differences += [each for each in pairs if (each.before is None) != (each.after is None) or each.changed]
        after = page[-1]
        if len(names) <= size:
            return found_differences, None
        if len(found_differences) >= size:
            return found_differences, after


def _touched(found: Map, low: int, high: int, conditions: Sequence[ColumnElement[bool]]) -> Select[tuple[str]]:
    """Values. By the revision where few were changed, for whoever looks through a million of them in their order finds these last; else in
    their order, since whoever finds the million by their revision has to sort them for each page."""
    changed = select(func.sum(MapRevision.added + MapRevision.removed)).where(
        MapRevision.map_id == found.id, MapRevision.number > low, MapRevision.number <= high
    )
    sides = [and_(column > low, column <= high) for column in (MapEntry.since, MapEntry.until)]
    if (db.session.scalar(changed) or 0) > _MANY:
        return select(MapEntry.value).where(*conditions, or_(*sides)).distinct()
    return select(union(*(select(MapEntry.value).where(*conditions, side) for side in sides)).subquery().c.value)


def _was_there(row: MapEntry, number: int) -> bool:
    return row.since <= number and (row.until == ALIVE or row.until > number)
