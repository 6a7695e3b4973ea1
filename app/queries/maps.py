"""Maps and their entries as they are, for whoever may see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.clock import stored_now
from app.extensions import db
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


def _of_state(state: State, now: datetime) -> ColumnElement[bool]:
    match state:
        case State.ON:
            return counts_at(now)
        case State.OFF:
            return MapEntry.enabled == False  # noqa: E712 - SQL
        case State.EXPIRED:
            return MapEntry.expires_at <= now
        case _:
            return MapEntry.expires_at > now


def counts_at(moment: datetime) -> ColumnElement[bool]:
    """Of an entry that is there: it is served."""
    return and_(MapEntry.enabled == True, or_(MapEntry.expires_at.is_(None), MapEntry.expires_at > moment))  # noqa: E712 - SQL


@dataclass(frozen=True, slots=True)
class Entries:
    rows: Sequence[MapEntry]
    more: str | None = None
    """`after` of the next page."""
    too_slow: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """How many entries each map has, as far as is counted."""

    counts: dict[int, int] = field(default_factory=dict)
    off: dict[int, int] = field(default_factory=dict)
    expired: dict[int, int] = field(default_factory=dict)


def all_maps(reach: MapReach) -> list[Map]:
    """The ready-made ones first."""
    rows = db.session.scalars(select(Map).order_by(Map.ready_made.desc(), Map.kind == "pair", Map.id)).all()
    return [found for found in rows if reach.sees(found)]


def map_called(reach: MapReach, name: str) -> Map:
    return reach.must_see(db.session.scalar(select(Map).where(Map.name == name)))


def entries_of(reach: MapReach, found: Map, wish: Wish = Wish(), *, after: str = "", size: int = 50, seconds: float = 1.5) -> Entries:
    """By value."""
    query = _alive(reach, found).where(*wish.conditions(stored_now())).order_by(MapEntry.value).limit(size + 1)
    if after:
        query = query.where(MapEntry.value > after)
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


def summary_of(reach: MapReach, maps: Iterable[Map], cap: int) -> Summary:
    """Each count stops at the cap."""
    summary, now = Summary(), stored_now()
    for found in maps:
        for counts, state in ((summary.counts, None), (summary.off, State.OFF), (summary.expired, State.EXPIRED)):
            conditions = [] if state is None else [_of_state(state, now)]
            rows = _alive(reach, found).where(*conditions).limit(cap + 1).subquery()
            counts[found.id] = db.session.scalar(select(func.count()).select_from(rows)) or 0
    return summary


def entry_of(reach: MapReach, found: Map, entry_id: int) -> MapEntry | None:
    """None for what is no more, or not theirs to see."""
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
    exact = or_(MapEntry.value.in_({text, low}), *(each for each in begins if each is not None))
    rows: dict[int, MapEntry] = {}
    slow = False
    for condition in (exact, or_(contains(MapEntry.value, low), contains_any_case(MapEntry.comment, text))):
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


def own_pairs(reach: MapReach, size: int) -> list[tuple[Map, MapEntry]]:
    """What concerns somebody's own addresses and domains, of all maps of pairs."""
    maps = {found.id: found for found in all_maps(reach) if found.is_personal}
    query = select(MapEntry).where(MapEntry.until == ALIVE, MapEntry.map_id.in_(maps), reach.of_theirs())
    rows = db.session.scalars(query.order_by(MapEntry.sender, MapEntry.rcpt).limit(size))
    return [(maps[entry.map_id], entry) for entry in rows]


def _alive(reach: MapReach, found: Map) -> Select[tuple[int]]:
    return select(MapEntry.id).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE, reach.condition(found))
