"""Many entries at once: judged line by line, and written in one change, or not at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.actor import Actor
from app.errors import BadRequest, NotAllowed
from app.extensions import db
from app.models import Map, MapEntry, MapUpload, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_conflicts import Opposition
from app.queries.map_reach import MapReach, Power
from app.queries.maps import all_maps
from app.rspamd.map_lines import Line
from app.services.map_change import Change, Row, Wanted, changing
from app.services.map_entries import owner_of
from app.services.map_room import Room, room_of
from app.services.map_tally import Judged, Mode, Tally, Verdict, digest_of
from app.services.map_uploads import drop_upload, still_kept

_AT_ONCE = 1000
_COMPARED = ("data", "symbol", "score", "comment", "enabled", "expires_at")
_READ = [getattr(MapEntry, name) for name in ("id", "value", "rcpt", "rcpt_domain", "owner_id", *_COMPARED)]


def must_import(reach: MapReach, found: Map, mode: Mode) -> None:
    """NotAllowed for whoever may not, before a line is read."""
    reach.must_see(found)
    if not (reach.edits_whole(found) or (found.is_personal and reach.edits(found))):
        raise NotAllowed(_("The entries of this map are not yours to change."))
    if mode is Mode.REPLACE and not reach.edits_whole(found):
        raise NotAllowed(_("The entries of this map are not all yours to replace."))


def preview(reach: MapReach, found: Map, lines: Iterable[Line], mode: Mode, *, form: str, most: int = 100) -> Tally:
    """What would be done; nothing is written."""
    must_import(reach, found, mode)
    tally, seen = Tally(most), set[bytes]()
    opposition = Opposition(reach, all_maps(reach), found)
    for judged in _judge(reach, found, lines, seen, form):
        against = opposition.against([one.row["value"] for one in judged if one.verdict in (Verdict.NEW, Verdict.OTHER)])
        for one in judged:
            names = tuple(against.get(one.row.get("value", ""), ())) if one.verdict in (Verdict.NEW, Verdict.OTHER) else ()
            tally.add(replace(one, against=names) if names else one)
    if mode is Mode.REPLACE:
        tally.removed = sum(len(ids) for ids in _unnamed(found, seen))
    return tally


def import_lines(
    reach: MapReach,
    found: Map,
    lines: Iterable[Line],
    mode: Mode,
    *,
    form: str,
    actor: Actor,
    name: str = "",
    upload: MapUpload | None = None,
    told: Callable[[int], object] = lambda _count: None,
) -> Tally:
    """The good lines; the others are counted. `told` is called with the number of lines after each thousand. An upload is used up."""
    must_import(reach, found, mode)
    tally, seen, used = Tally(100), set[bytes](), upload.id if upload is not None else None
    with changing(found.id, RevisionVerb.IMPORTED, actor=actor) as change:
        kept = still_kept(used) if used is not None else None
        for judged in _judge(reach, found, lines, seen, form):
            _write(reach, change, judged, mode)
            for one in judged:
                tally.add(one)
            told(tally.lines)
        if mode is Mode.REPLACE:
            if not seen:
                raise BadRequest(_("No line names an entry; to empty a map remove its entries."))
            for ids in _unnamed(found, seen):
                tally.removed += change.end(MapEntry.id.in_(ids))
        if not change.is_empty:
            tally.revision = change.number
            change.note = {"mode": mode.value, "lines": tally.told()} | ({"file": name} if name else {})
            if kept is not None:
                drop_upload(kept)
    return tally


def _write(reach: MapReach, change: Change, judged: Sequence[Judged], mode: Mode) -> None:
    by_owner: dict[int | None, list[Row]] = {}
    for one in judged:
        if one.verdict is Verdict.NEW:
            by_owner.setdefault(owner_of(reach, change.map, one.row["rcpt"]), []).append(one.row)
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
        change.tell(*(row["value"] for row in rows))


def _judge(reach: MapReach, found: Map, lines: Iterable[Line], seen: set[bytes], form: str) -> Iterator[list[Judged]]:
    """A thousand at a time. `seen` takes a digest of each value: a million of them are 60 MB."""
    source, room = iter(lines), room_of(reach, found)
    while some := list(islice(source, _AT_ONCE)):
        judged: list[Judged] = [_first_look(reach, found, line, seen) for line in some]
        values = [one.row["value"] for one in judged if one.verdict is Verdict.NEW]
        there = {row.value: row for row in _there(found, values)}
        judged = [_compared(reach, found, one, there.get(one.row["value"]), form) if one.verdict is Verdict.NEW else one for one in judged]
        yield judged if room is None else [_fitted(room, one) for one in judged]


def _first_look(reach: MapReach, found: Map, line: Line, seen: set[bytes]) -> Judged:
    if line.value is None:
        return Judged(line, Verdict.WRONG)
    try:
        row = Wanted(line.value, line.comment, line.enabled, line.expires_at).row()
        reach.must_add(found, line.value.rcpt)
        reach.must_weigh(line.value.symbol, line.value.score)
    except NotAllowed as error:
        return Judged(line, Verdict.NOT_YOURS, why=str(error))
    except BadRequest as error:
        return Judged(line, Verdict.WRONG, why=str(error))
    digest = digest_of(row["value"])
    if digest in seen:
        return Judged(line, Verdict.TWICE, row)
    seen.add(digest)
    return Judged(line, Verdict.NEW, row)


def _compared(reach: MapReach, found: Map, one: Judged, there: Any, form: str) -> Judged:
    if there is None:
        return one
    row = one.row
    if form == "text":  # which cannot say all there is to say of an entry
        row = row | {"comment": row["comment"] or there.comment, "expires_at": there.expires_at}
    differs = tuple(name for name in _COMPARED if getattr(there, name) != row[name])
    if not differs:
        return Judged(one.line, Verdict.SAME, row, there.id)
    if reach.power(found, there) < Power.EDIT:
        return Judged(one.line, Verdict.NOT_YOURS, row, there.id, why=_("This entry is not yours to change."))
    return Judged(one.line, Verdict.OTHER, row, there.id, differs=differs)


def _fitted(room: Room, one: Judged) -> Judged:
    try:
        if one.verdict is Verdict.NEW:
            room.take()
    except BadRequest as error:
        return replace(one, verdict=Verdict.WRONG, why=str(error))
    return one


def _there(found: Map, values: Sequence[str]) -> Sequence[Any]:
    here = (MapEntry.map_id == found.id, MapEntry.value.in_(values), MapEntry.until == ALIVE)
    return db.session.execute(select(*_READ).where(*here)).all() if values else ()


def _unnamed(found: Map, seen: set[bytes]) -> Iterator[list[int]]:
    """Ids of what is there and was not named, a thousand looked at a time."""
    after = ""
    while True:
        query = select(MapEntry.id, MapEntry.value).where(MapEntry.map_id == found.id, MapEntry.until == ALIVE, MapEntry.value > after)
        rows = db.session.execute(query.order_by(MapEntry.value).limit(_AT_ONCE)).all()
        gone = [row.id for row in rows if digest_of(row.value) not in seen]
        if gone:
            yield gone
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].value
