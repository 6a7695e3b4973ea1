"""What in the maps contradicts, repeats or has outlived itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import ColumnElement, select

from app.clock import stored_now
from app.extensions import db
from app.models import Colour, Map, MapEntry
from app.models.maps import ALIVE
from app.queries.bounded import Deadline
from app.queries.map_reach import MapReach
from app.queries.maps import all_maps, counts_at
from app.rspamd.map_covers import covering
from app.rspamd.map_kinds import MapKind, MapPart

_OPPOSITE = {Colour.ALLOW.value: Colour.DENY.value, Colour.DENY.value: Colour.ALLOW.value}
_LIKE_EACH_OTHER = ({MapKind.ADDRESS, MapKind.DOMAIN, MapKind.ADDRESS_OR_DOMAIN}, {MapKind.DOMAIN, MapKind.HOST})
_AT_ONCE = 500
_SMALL = 20_000
"""So many values of other maps are held in memory."""


@unique
class Clash(StrEnum):
    BOTH = "both"  # the same value is allowed and denied
    CONTRADICTED = "contradicted"  # another list says the opposite of all that this one is part of
    COVERED = "covered"  # an entry of the same map says it already
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Conflict:
    clash: Clash
    map: Map
    entry: MapEntry
    """The one that is in the way; of an expired one itself."""


@dataclass(frozen=True, slots=True)
class Reported:
    rows: list[tuple[Map, MapEntry, list[Conflict]]]
    after: str | None = None
    """Where to go on; None at the end."""


def opposing(maps: Iterable[Map], found: Map) -> list[Map]:
    """Those that say the opposite about the same part of a mail, and say it to Rspamd."""
    wanted, about = _OPPOSITE.get(found.colour), (found.part, found.header)
    if found.part == MapPart.NONE:
        return []
    others = [other for other in maps if other.enabled and other.colour == wanted and (other.part, other.header) == about]
    return [other for other in others if _comparable(found.kind, other.kind)]


def _comparable(kind: str, other: str) -> bool:
    return kind == other or any(kind in kinds and other in kinds for kinds in _LIKE_EACH_OTHER)


def conflicts_of(reach: MapReach, maps: Sequence[Map], found: Map, entries: Sequence[MapEntry]) -> dict[int, list[Conflict]]:
    """By the entry's id; disabled and expired entries are in nobody's way."""
    now = stored_now()
    kind = MapKind(found.kind)
    covers = {entry.id: covering(kind, entry.value) for entry in entries}
    wanted = {entry.value for entry in entries} | {text for texts in covers.values() for text in texts}
    others = {other.id: other for other in (*opposing(maps, found), found)}
    there: dict[tuple[int, str], MapEntry] = {}
    for entry in _standing(reach, found, others, wanted):
        if entry.enabled and not _is_over(entry, now):
            there[entry.map_id, entry.value] = entry
    conflicts: dict[int, list[Conflict]] = {}
    for entry in entries:
        told = conflicts.setdefault(entry.id, [])
        if _is_over(entry, now):
            told.append(Conflict(Clash.EXPIRED, found, entry))
        elif entry.enabled:
            told += _of_entry(entry, covers[entry.id], others, found, there)
    return {number: told for number, told in conflicts.items() if told}


def _of_entry(
    entry: MapEntry, covers: Sequence[str], others: dict[int, Map], found: Map, there: dict[tuple[int, str], MapEntry]
) -> Iterator[Conflict]:
    for other in others.values():
        if other is not found and (entry_there := there.get((other.id, entry.value))):
            yield Conflict(Clash.BOTH, other, entry_there)
        clash = Clash.COVERED if other is found else Clash.CONTRADICTED
        yield from (Conflict(clash, other, there[other.id, text]) for text in covers if (other.id, text) in there)


class Opposition:
    """What other maps say against values that are to be added. Where that is not much it is read once, else for each question."""

    def __init__(self, reach: MapReach, maps: Sequence[Map], found: Map) -> None:
        self._reach, self._found = reach, found
        self._others = {other.id: other for other in opposing(maps, found)}
        self._small: dict[str, set[str]] | None = {}
        rows = 0
        for other in self._others.values():
            columns = select(MapEntry.value).where(*self._of(other.id)).limit(_SMALL + 1)
            values = db.session.scalars(columns).all()
            rows += len(values)
            for value in values:
                self._small.setdefault(value, set()).add(other.name)
            if rows > _SMALL:
                self._small = None
                return

    def against(self, values: Sequence[str]) -> dict[str, list[str]]:
        """By value the names of those maps."""
        if self._small is not None and not self._small:
            return {}
        kind = MapKind(self._found.kind)
        covers = {value: {value, *covering(kind, value)} for value in values}
        there = self._small if self._small is not None else self._looked_up({text for texts in covers.values() for text in texts})
        told = {value: sorted({name for text in texts for name in there.get(text, ())}) for value, texts in covers.items()}
        return {value: names for value, names in told.items() if names}

    def _of(self, *map_ids: int) -> tuple[ColumnElement[bool], ...]:
        return (MapEntry.map_id.in_(map_ids), MapEntry.until == ALIVE, counts_at(stored_now()), self._reach.condition(self._found))

    def _looked_up(self, texts: set[str]) -> dict[str, set[str]]:
        there: dict[str, set[str]] = {}
        ordered = sorted(texts)
        for start in range(0, len(ordered), _AT_ONCE):
            some = MapEntry.value.in_(ordered[start : start + _AT_ONCE])
            for row in db.session.execute(select(MapEntry.map_id, MapEntry.value).where(*self._of(*self._others), some)):
                there.setdefault(row.value, set()).add(self._others[row.map_id].name)
        return there


def _standing(reach: MapReach, found: Map, maps: dict[int, Map], values: set[str]) -> Iterator[MapEntry]:
    """Of several maps, those of these values that are there."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        some = MapEntry.value.in_(ordered[start : start + _AT_ONCE])
        yield from db.session.scalars(
            select(MapEntry).where(MapEntry.map_id.in_(maps), some, MapEntry.until == ALIVE, reach.condition(found))
        )


def report(reach: MapReach, after: str = "", only: Map | None = None, size: int = 200, seconds: float = 1.5) -> Reported:
    """Conflicts of all maps, or one, as far as the time allows; `after` is a map's name and a value."""
    deadline = Deadline(seconds)
    maps = all_maps(reach)
    name, _, value = after.partition(":")
    rows: list[tuple[Map, MapEntry, list[Conflict]]] = []
    todo = [only] if only is not None else maps
    todo = todo[next((place for place, found in enumerate(todo) if found.name == name), 0) :]
    for found in todo:
        cursor = value if found.name == name else ""
        while True:
            entries = _page(reach, found, cursor)
            if not entries:
                break
            told = conflicts_of(reach, maps, found, entries)
            rows += [(found, entry, told[entry.id]) for entry in entries if entry.id in told]
            cursor = entries[-1].value
            if len(rows) >= size or deadline.is_over:
                return Reported(rows, f"{found.name}:{cursor}")
            if len(entries) < _AT_ONCE:
                break
    return Reported(rows)


def _page(reach: MapReach, found: Map, after: str) -> Sequence[MapEntry]:
    query = select(MapEntry).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE, MapEntry.value > after, reach.condition(found))
    return db.session.scalars(query.order_by(MapEntry.value).limit(_AT_ONCE)).all()


def _is_over(entry: MapEntry, now: datetime) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now
