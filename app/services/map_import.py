"""Many entries at once: judged line by line, and written in one change, or not at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import select

from app.actor import Actor
from app.errors import BadRequest, NotAllowed
from app.extensions import db
from app.models import Map, MapEntry, MapUpload, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_conflicts import Opposition
from app.queries.map_history import COMPARED
from app.queries.map_reach import MapReach, Power
from app.queries.maps import all_maps, has_entries
from app.rspamd.map_lines import Line
from app.rspamd.map_values import Value
from app.services.map_change import TOLD, Change, Row, Wanted, changing
from app.services.map_entries import owner_of
from app.services.map_room import Room, room_of
from app.services.map_tally import Judged, Mode, Tally, Verdict, digest_of
from app.services.map_uploads import drop_upload, still_kept

_AT_ONCE = 1000
_READ = [MapEntry.__table__.c[name] for name in ("id", "value", "rcpt", "rcpt_domain", "owner_id", *COMPARED)]


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
        changing_something = [one for one in judged if one.verdict is Verdict.NEW or one.verdict is Verdict.OTHER]
        against = opposition.against([one.value for one in changing_something])
        for one in changing_something if against else ():
            one.against = tuple(against.get(one.value, ()))
        for one in judged:
            tally.add(one)
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
    new = [_wanted(one.line).row() for one in judged if one.verdict is Verdict.NEW]
    by_owner: dict[int | None, list[Row]] = {}
    for row in new if change.map.is_personal else ():
        by_owner.setdefault(owner_of(reach, change.map, row["rcpt"]), []).append(row)
    for owner, rows in by_owner.items() if by_owner else ((None, new),):
        change.put(rows, owner)
        change.tell(*(row["value"] for row in rows[:TOLD]))
    others = {one.there: one.row for one in judged if one.row is not None} if mode is not Mode.ADD else {}
    if others:
        made = select(MapEntry.id, MapEntry.owner_id, MapEntry.made_by, MapEntry.made_at).where(MapEntry.id.in_(others))
        rows = [
            others[row.id] | {"owner_id": row.owner_id, "made_by": row.made_by, "made_at": row.made_at} for row in db.session.execute(made)
        ]
        change.end(MapEntry.id.in_(others))
        change.insert(rows)
        change.tell(*(row["value"] for row in rows[:TOLD]))


def _wanted(line: Line) -> Wanted:
    return Wanted(cast(Value, line.value), line.comment, line.enabled, line.expires_at)


def _judge(reach: MapReach, found: Map, lines: Iterable[Line], seen: set[bytes], form: str) -> Iterator[list[Judged]]:
    """A thousand at a time. `seen` takes a digest of each value: a million of them are 60 MB. An empty map is not asked what it has."""
    source, room, holds_some = iter(lines), room_of(reach, found), has_entries(found)
    while some := list(islice(source, _AT_ONCE)):
        judged = [_first_look(line, seen, "" if reach.edits_all else _refusal(reach, found, line)) for line in some]
        there = {row.value: row for row in _there(found, [one.value for one in judged if one.verdict is Verdict.NEW])} if holds_some else {}
        if there:
            judged = [_compared(reach, found, one, there[one.value], form) if one.value in there else one for one in judged]
        yield judged if room is None else [_fitted(room, one) for one in judged]


def _first_look(line: Line, seen: set[bytes], refusal: str) -> Judged:
    if line.value is None:
        return Judged(line, Verdict.WRONG)
    if refusal:
        return Judged(line, Verdict.NOT_YOURS, why=refusal)
    digest = digest_of(line.value.text)
    if digest in seen:
        return Judged(line, Verdict.TWICE)
    seen.add(digest)
    return Judged(line, Verdict.NEW)


def _refusal(reach: MapReach, found: Map, line: Line) -> str:
    """Why it is not theirs to add."""
    if line.value is None:
        return ""
    try:
        reach.must_add(found, line.value.rcpt)
        reach.must_weigh(line.value.symbol, line.value.score)
    except NotAllowed as error:
        return str(error)
    return ""


def _compared(reach: MapReach, found: Map, one: Judged, there: Any, form: str) -> Judged:
    """Of a value that is there."""
    if one.verdict is not Verdict.NEW:
        return one
    row = _wanted(one.line).row()
    if form == "text":  # which cannot say all there is to say of an entry
        row |= {"comment": row["comment"] or there.comment, "expires_at": there.expires_at}
    wanted = [row[name] for name in COMPARED]
    if wanted == list(there[-len(COMPARED) :]):
        return Judged(one.line, Verdict.SAME)
    if reach.power(found, there) < Power.EDIT:
        return Judged(one.line, Verdict.NOT_YOURS, why=_("This entry is not yours to change."))
    differs = tuple(name for name in COMPARED if getattr(there, name) != row[name])
    return Judged(one.line, Verdict.OTHER, row, there.id, differs=differs)


def _fitted(room: Room, one: Judged) -> Judged:
    try:
        if one.verdict is Verdict.NEW:
            room.take()
    except BadRequest as error:
        return Judged(one.line, Verdict.WRONG, why=str(error))
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
