"""What in the maps contradicts, repeats or has outlived itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

from sqlalchemy import select

from app.clock import stored_now
from app.extensions import db
from app.models import Colour, Map, MapEntry
from app.models.maps import ALIVE
from app.queries.bounded import Deadline
from app.queries.map_reach import MapReach
from app.queries.maps import all_maps
from app.rspamd.map_covers import covering
from app.rspamd.map_kinds import MapKind

_OPPOSITE = {Colour.ALLOW.value: Colour.DENY.value, Colour.DENY.value: Colour.ALLOW.value}
_LIKE_EACH_OTHER = ({MapKind.ADDRESS, MapKind.DOMAIN, MapKind.ADDRESS_OR_DOMAIN}, {MapKind.DOMAIN, MapKind.HOST})
_AT_ONCE = 500


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
    """Those that say the opposite about the same part of a mail."""
    wanted = _OPPOSITE.get(found.colour)
    return [other for other in maps if other.colour == wanted and other.part == found.part and _comparable(found.kind, other.kind)]


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


def contradicted(reach: MapReach, maps: Sequence[Map], found: Map, values: Sequence[str]) -> dict[str, list[str]]:
    """Of values that are to be added: names of the maps that say the opposite."""
    kind = MapKind(found.kind)
    covers = {value: {value, *covering(kind, value)} for value in values}
    others = {other.id: other for other in opposing(maps, found)}
    if not others:
        return {}
    by_value: dict[str, set[str]] = {}
    for entry in _standing(reach, found, others, {text for texts in covers.values() for text in texts}):
        if entry.enabled:
            by_value.setdefault(entry.value, set()).add(others[entry.map_id].name)
    told = {value: sorted({name for text in texts for name in by_value.get(text, ())}) for value, texts in covers.items()}
    return {value: names for value, names in told.items() if names}


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


def _is_over(entry: MapEntry, now: object) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now  # type: ignore[operator]
