"""Maps as they were: their revisions, the entries at one of them, and what changed between two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.errors import NotFound
from app.extensions import db
from app.models import Map, MapEntry, MapRevision
from app.models.maps import ALIVE
from app.queries.map_reach import MapReach

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
    if reach.sees_all or not found.is_personal:
        return query
    mine = (MapEntry.map_id == found.id, reach.condition(found))
    touched = select(MapEntry.since).where(*mine).union(select(MapEntry.until).where(*mine, MapEntry.until != ALIVE))
    return query.where(MapRevision.number.in_(touched))


def entries_at(reach: MapReach, found: Map, number: int, after: str = "", size: int = 50) -> tuple[Sequence[MapEntry], str | None]:
    """By value, and `after` of the next page."""
    query = select(MapEntry).where(MapEntry.map_id == found.id, at_revision(number), reach.condition(found))
    rows = db.session.scalars(query.where(MapEntry.value > after).order_by(MapEntry.value).limit(size + 1)).all()
    return rows[:size], rows[size - 1].value if len(rows) > size else None


def differences(reach: MapReach, found: Map, old: int, new: int, after: str = "", size: int = 200) -> tuple[list[Difference], str | None]:
    """By value. What was changed and changed back is none."""
    low, high = sorted((old, new))
    touched = or_(and_(MapEntry.since > low, MapEntry.since <= high), and_(MapEntry.until > low, MapEntry.until <= high))
    either = or_(at_revision(low), at_revision(high))
    mine = (MapEntry.map_id == found.id, reach.condition(found))
    found_differences: list[Difference] = []
    while True:
        values = (
            select(MapEntry.value).where(*mine, touched, either, MapEntry.value > after).distinct().order_by(MapEntry.value).limit(size + 1)
        )
        names = db.session.scalars(values).all()
        if not names:
            return found_differences, None
        page = names[:size]
        rows: list[Any] = list(db.session.scalars(select(MapEntry).where(*mine, MapEntry.value.in_(page), either)))
        before = {row.value: row for row in rows if _was_there(row, old)}
        now = {row.value: row for row in rows if _was_there(row, new)}
        pairs = (Difference(value, before.get(value), now.get(value)) for value in page)
        found_differences += [each for each in pairs if (each.before is None) != (each.after is None) or each.changed]
        after = page[-1]
        if len(names) <= size:
            return found_differences, None
        if len(found_differences) >= size:
            return found_differences, after


def _was_there(row: MapEntry, number: int) -> bool:
    return row.since <= number and (row.until == ALIVE or row.until > number)
