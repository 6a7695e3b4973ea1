"""Many entries at once: judged line by line, and written in one change, or not at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from hashlib import blake2b
from itertools import islice
from typing import Any

from sqlalchemy import select

from app.actor import Actor
from app.errors import BadRequest, NotAllowed
from app.extensions import db
from app.models import Map, MapEntry, MapUpload, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_conflicts import contradicted
from app.queries.map_reach import MapReach, Power
from app.queries.maps import all_maps
from app.rspamd.map_lines import Line
from app.services.map_change import Change, Row, Wanted, changing
from app.services.map_entries import owner_of
from app.services.map_uploads import drop_upload

_AT_ONCE = 1000
_COMPARED = ("data", "symbol", "score", "comment", "enabled", "expires_at")
_READ = [getattr(MapEntry, name) for name in ("id", "value", "rcpt", "rcpt_domain", "owner_id", *_COMPARED)]


@unique
class Mode(StrEnum):
    ADD = "add"  # what is there stays as it is
    UPDATE = "update"  # what is there becomes as the lines say
    REPLACE = "replace"  # and what no line names goes


@unique
class Verdict(StrEnum):
    """Of a line."""

    NEW = "new"
    SAME = "same"  # it is there, just so
    OTHER = "other"  # it is there with another comment, score, ...
    TWICE = "twice"  # an earlier line says it
    WRONG = "wrong"
    NOT_YOURS = "not_yours"


@dataclass(frozen=True, slots=True)
class Judged:
    line: Line
    verdict: Verdict
    row: Row = field(default_factory=dict)
    there: int | None = None
    """Id of the entry that has this value."""
    against: tuple[str, ...] = ()
    """Names of the maps that say the opposite."""
    why: str = ""


@dataclass(slots=True)
class Tally:
    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    contradicting: int = 0
    cautions: int = 0
    removed: int = 0
    """Entries that no line names, where the map is to be replaced."""
    notable: list[Judged] = field(default_factory=list)
    """The first of those of which there is something to say."""

    def add(self, judged: Judged, most: int) -> None:
        self.counts[judged.verdict] += 1
        self.contradicting += bool(judged.against)
        cautioned = judged.line.value is not None and bool(judged.line.value.warnings)
        self.cautions += cautioned
        if (judged.verdict is not Verdict.NEW or judged.against or cautioned) and len(self.notable) < most:
            self.notable.append(judged)


def preview(reach: MapReach, found: Map, lines: Iterable[Line], mode: Mode, *, most: int = 500) -> Tally:
    """What would be done; nothing is written."""
    tally, seen = Tally(), set[bytes]()
    maps = all_maps(reach)
    for judged in _judge(reach, found, lines, seen):
        against = contradicted(reach, maps, found, [one.row["value"] for one in judged if one.verdict in (Verdict.NEW, Verdict.OTHER)])
        for one in judged:
            tally.add(_with(one, tuple(against.get(one.row.get("value", ""), ()))), most)
    if mode is Mode.REPLACE:
        tally.removed = sum(len(ids) for ids in _unnamed(found, seen))
    return tally


def _with(one: Judged, against: tuple[str, ...]) -> Judged:
    return Judged(one.line, one.verdict, one.row, one.there, against, one.why) if against else one


def import_lines(
    reach: MapReach,
    found: Map,
    lines: Iterable[Line],
    mode: Mode,
    *,
    actor: Actor,
    upload: MapUpload | None = None,
    told: Callable[[int], object] = lambda _count: None,
) -> Tally:
    """The good lines; the others are counted. `told` is called with the number of lines after each thousand."""
    if mode is Mode.REPLACE and not reach.edits_whole(found):
        raise NotAllowed("The entries of this map are not all yours to replace.")
    tally, seen, name = Tally(), set[bytes](), upload.name if upload is not None else ""
    with changing(found.id, RevisionVerb.IMPORTED, actor=actor) as change:
        for judged in _judge(reach, found, lines, seen):
            _write(reach, change, judged, mode)
            for one in judged:
                tally.add(one, 500)
            told(sum(tally.counts.values()))
        if mode is Mode.REPLACE:
            if not seen:
                raise BadRequest("No line names an entry; to empty a map remove its entries.")
            for ids in _unnamed(found, seen):
                tally.removed += change.end(MapEntry.id.in_(ids))
        if not change.is_empty:
            change.note = {"mode": mode.value} | ({"file": name} if name else {})
    if upload is not None:
        drop_upload(upload)
        db.session.commit()
    return tally


def _write(reach: MapReach, change: Change, judged: Sequence[Judged], mode: Mode) -> None:
    fresh = [one.row for one in judged if one.verdict is Verdict.NEW]
    by_owner: dict[int | None, list[Row]] = {}
    for row in fresh:
        by_owner.setdefault(owner_of(reach, change.map, row["rcpt"]), []).append(row)
    for owner, rows in by_owner.items():
        change.put(rows, owner)
        change.tell(*(row["value"] for row in rows))
    others = {one.there: one.row for one in judged if one.verdict is Verdict.OTHER} if mode is not Mode.ADD else {}
    if others:
        made = select(MapEntry.id, MapEntry.owner_id, MapEntry.made_by, MapEntry.made_at).where(MapEntry.id.in_(others))
        rows = [
            others[row.id] | {"owner_id": row.owner_id, "made_by": row.made_by, "made_at": row.made_at} for row in db.session.execute(made)
        ]
        change.end(MapEntry.id.in_(others))
        change.insert(rows)


def _judge(reach: MapReach, found: Map, lines: Iterable[Line], seen: set[bytes]) -> Iterator[list[Judged]]:
    """A thousand at a time. `seen` takes a digest of each value: a million of them are 60 MB."""
    source = iter(lines)
    while some := list(islice(source, _AT_ONCE)):
        judged: list[Judged] = [_first_look(reach, found, line, seen) for line in some]
        values = [one.row["value"] for one in judged if one.verdict is Verdict.NEW]
        there = {row.value: row for row in _there(found, values)}
        yield [_compared(reach, found, one, there.get(one.row["value"])) if one.verdict is Verdict.NEW else one for one in judged]


def _first_look(reach: MapReach, found: Map, line: Line, seen: set[bytes]) -> Judged:
    if line.value is None:
        return Judged(line, Verdict.WRONG)
    try:
        row = Wanted(line.value, line.comment, line.enabled, line.expires_at).row()
        reach.must_add(found, line.value.rcpt)
    except NotAllowed as error:
        return Judged(line, Verdict.NOT_YOURS, why=str(error))
    except BadRequest as error:
        return Judged(line, Verdict.WRONG, why=str(error))
    digest = blake2b(row["value"].encode(), digest_size=8).digest()
    if digest in seen:
        return Judged(line, Verdict.TWICE, row)
    seen.add(digest)
    return Judged(line, Verdict.NEW, row)


def _compared(reach: MapReach, found: Map, one: Judged, there: Any) -> Judged:
    if there is None:
        return one
    same = all(getattr(there, name) == one.row[name] for name in _COMPARED)
    mine = reach.power(found, there) >= Power.EDIT
    return Judged(one.line, Verdict.SAME if same else Verdict.OTHER if mine else Verdict.NOT_YOURS, one.row, there.id)


def _there(found: Map, values: Sequence[str]) -> Sequence[Any]:
    here = (MapEntry.map_id == found.id, MapEntry.value.in_(values), MapEntry.until == ALIVE)
    return db.session.execute(select(*_READ).where(*here)).all() if values else ()


def _unnamed(found: Map, seen: set[bytes]) -> Iterator[list[int]]:
    """Ids of what is there and was not named, a thousand looked at a time."""
    after = ""
    while True:
        query = select(MapEntry.id, MapEntry.value).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE, MapEntry.value > after)
        rows = db.session.execute(query.order_by(MapEntry.value).limit(_AT_ONCE)).all()
        gone = [row.id for row in rows if blake2b(row.value.encode(), digest_size=8).digest() not in seen]
        if gone:
            yield gone
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].value
