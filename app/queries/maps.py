"""Maps and their entries as they are, for whoever may see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, true

from app.clock import stored_now
from app.extensions import db
from app.ids import MAX_ID
from app.mime.text import clean
from app.models import Map, MapEntry
from app.models.maps import ALIVE
from app.queries.bounded import TooSlow, fetch
from app.queries.map_reach import MapReach
from app.queries.matching import contains, contains_any_case, prefix_range


@unique
class State(StrEnum):
    """Of an entry."""

    ON = "on"
    OFF = "off"
    EXPIRED = "expired"
    EXPIRES = "expires"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for among the entries of a map."""

    text: str = ""
    state: State | None = None
    made_by: str = ""

    def conditions(self, now: datetime) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.text:
            found.append(
                or_(
                    contains(MapEntry.value, self.text.lower()),
                    contains(MapEntry.value, self.text),
                    contains_any_case(MapEntry.comment, self.text),
                )
            )
        if self.made_by:
            found.append(MapEntry.made_by == self.made_by)
        if self.state is not None:
            found.append(_of_state(self.state, now))
        return found


_EITHER = MapEntry.enabled.in_((True, False))
"""So that the index by which counts are read is of use for what expires, too."""


def _of_state(state: State, now: datetime) -> ColumnElement[bool]:
    match state:
        case State.ON:
            return counts_at(now)
        case State.OFF:
            return MapEntry.enabled == False  # noqa: E712 - SQL
        case State.EXPIRED:
            return and_(_EITHER, MapEntry.expires_at <= now)
        case _:
            return and_(_EITHER, MapEntry.expires_at > now)


def counts_at(moment: datetime) -> ColumnElement[bool]:
    """Of an entry that is there: it is served."""
    return and_(MapEntry.enabled == True, or_(MapEntry.expires_at.is_(None), MapEntry.expires_at > moment))  # noqa: E712 - SQL


@dataclass(frozen=True, slots=True)
class Entries:
    rows: Sequence[MapEntry]
    more: str | None = None
    """`after` of the next page."""
    too_slow: bool = False


class Counts(NamedTuple):
    """How many entries a map has, as far as is counted."""

    entries: int
    off: int
    expired: int


def all_maps(reach: MapReach) -> list[Map]:
    """The ready-made ones first."""
    rows = db.session.scalars(select(Map).order_by(Map.ready_made.desc(), Map.kind == "pair", Map.id)).all()
    return [found for found in rows if reach.sees(found)]


def map_called(reach: MapReach, name: str) -> Map:
    return reach.must_see(db.session.scalar(select(Map).where(Map.name == clean(name))))


def entries_of(reach: MapReach, found: Map, wish: Wish = Wish(), *, after: str = "", size: int = 50, seconds: float = 1.5) -> Entries:
    """By value."""
    query = _alive(reach, found).where(*wish.conditions(stored_now())).order_by(MapEntry.value).limit(size + 1)
    if after:
        query = query.where(MapEntry.value > after)
    if wish.state is State.ON and reach.sees_whole(found):  # which is nearly all of them: MariaDB would sort those
        for dialect in ("mysql", "mariadb"):
            query = query.with_hint(MapEntry, "FORCE INDEX (ux_map_entry_value)", dialect)
    try:
        with db.engine.connect() as connection:
            ids = [row.id for row in fetch(connection, query, seconds)]
    except TooSlow:
        return Entries((), too_slow=True)
    rows = sorted(db.session.scalars(select(MapEntry).where(MapEntry.id.in_(ids))), key=lambda entry: ids.index(entry.id))
    return Entries(rows[:size], rows[size - 1].value if len(rows) > size else None)


def count_of(reach: MapReach, found: Map, wish: Wish, cap: int, seconds: float = 1.5) -> int | None:
    """Never more than cap + 1; None where counting takes too long."""
    inner = _alive(reach, found).where(*wish.conditions(stored_now())).limit(cap + 1).subquery()
    try:
        with db.engine.connect() as connection:
            return int(fetch(connection, select(func.count()).select_from(inner), seconds)[0][0])
    except TooSlow:
        return None


def counts_of(maps: Iterable[Map], cap: int) -> dict[int, Counts]:
    """By the map's id, of all its entries. Each count stops at the cap + 1, and is read off an index."""
    now = stored_now()
    conditions = (true(), _of_state(State.OFF, now), _of_state(State.EXPIRED, now))
    return {found.id: Counts(*_counted(found, cap, conditions)) for found in maps}


def _counted(found: Map, cap: int, conditions: Iterable[ColumnElement[bool]]) -> Row[Any]:
    there = select(MapEntry.id).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE)
    capped = (there.where(condition).limit(cap + 1).subquery() for condition in conditions)
    return db.session.execute(select(*(select(func.count()).select_from(rows).scalar_subquery() for rows in capped))).one()


def has_entries(found: Map) -> bool:
    return bool(db.session.scalar(select(exists().where(MapEntry.map_id == found.id, MapEntry.until == ALIVE))))


def entry_of(reach: MapReach, found: Map, entry_id: int) -> MapEntry | None:
    """None for what is no more, or not theirs to see."""
    if entry_id > MAX_ID:
        return None
    return db.session.scalar(
        select(MapEntry).where(MapEntry.id == entry_id, MapEntry.map_id == found.id, MapEntry.until == ALIVE, reach.condition(found))
    )


def entries_called(found: Map, value: str) -> list[int]:
    """Ids: one, or none."""
    return list(
        db.session.scalars(select(MapEntry.id).where(MapEntry.map_id == found.id, MapEntry.value == value, MapEntry.until == ALIVE))
    )


def found_everywhere(reach: MapReach, text: str, size: int = 100, seconds: float = 1.5) -> tuple[list[tuple[Map, MapEntry]], bool]:
    """Entries of all maps that are, or begin with, what was typed, or hold it; and whether time ran out."""
    maps = {found.id: found for found in all_maps(reach)}
    low = text.lower()
    begins = [prefix_range(MapEntry.value, word) for word in {text, low} if word]
    exact = (MapEntry.value.in_({text, low}), *(each for each in begins if each is not None))
    rows: dict[int, MapEntry] = {}
    slow = False
    for condition in (*exact, or_(contains(MapEntry.value, low), contains_any_case(MapEntry.comment, text))):
        for found in maps.values():
            if len(rows) >= size:
                break
            query = _alive(reach, found).where(condition).order_by(MapEntry.value).limit(size - len(rows))
            try:
                with db.engine.connect() as connection:
                    ids = [row.id for row in fetch(connection, query, max(0.05, seconds / len(maps)))]
            except TooSlow:
                slow = True
                continue
            rows |= {entry.id: entry for entry in db.session.scalars(select(MapEntry).where(MapEntry.id.in_(ids)))}
    return sorted(((maps[entry.map_id], entry) for entry in rows.values()), key=lambda pair: (pair[0].id, pair[1].value)), slow


def own_pairs(reach: MapReach, size: int = 200) -> tuple[list[tuple[Map, MapEntry]], bool]:
    """What concerns somebody's own addresses and domains, of all maps of pairs; and whether there is more. No order is asked of the
    database: of a domain there may be a hundred thousand, and it would sort them all."""
    maps = {found.id: found for found in all_maps(reach) if found.is_personal}
    query = select(MapEntry).where(MapEntry.map_id.in_(maps), MapEntry.until == ALIVE, reach.of_theirs())
    rows = db.session.scalars(query.limit(size + 1)).all()
    rows_by_sender = sorted(rows[:size], key=lambda entry: (entry.sender, entry.rcpt))
    return [(maps[entry.map_id], entry) for entry in rows_by_sender], len(rows) > size


def _alive(reach: MapReach, found: Map) -> Select[tuple[int]]:
    return select(MapEntry.id).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE, reach.condition(found))
