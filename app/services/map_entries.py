"""Entries of maps: added, changed, switched, removed. Who may is asked here, whatever the door."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.extensions import db
from app.ids import MAX_ID
from app.models import Map, MapEntry, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_reach import MapReach, Power
from app.services.map_change import Change, Wanted, changing
from app.services.map_room import room_of

_POWER = {
    RevisionVerb.ENABLED: Power.TOGGLE,
    RevisionVerb.DISABLED: Power.TOGGLE,
    RevisionVerb.REMOVED: Power.DELETE,
    RevisionVerb.EXPIRY_SET: Power.EDIT,
}


def add_entry(reach: MapReach, found: Map, wanted: Wanted, *, actor: Actor) -> int:
    """The revision that comes of it."""
    row = wanted.row()
    reach.must_add(found, wanted.value.rcpt)
    reach.must_weigh(wanted.value.symbol, wanted.value.score)
    _must_be_ahead(wanted.expires_at)
    with changing(found.id, RevisionVerb.ADDED, actor=actor) as change:
        _must_be_new(found, wanted.value.text)
        room = room_of(reach, found)
        if room is not None:
            room.take()
        change.put([row], owner_of(reach, found, wanted.value.rcpt))
        change.tell(wanted.value.text)
    return change.number


def change_entry(reach: MapReach, found: Map, entry_id: int, wanted: Wanted, *, actor: Actor) -> int:
    """Conflict where somebody else has changed it since it was read: each change makes another row."""
    row = wanted.row()
    reach.must_add(found, wanted.value.rcpt)
    with changing(found.id, RevisionVerb.CHANGED, actor=actor) as change:
        entry = _entry(change, reach, entry_id)
        if reach.power(found, entry) < Power.EDIT:
            raise NotAllowed(_("This entry is not yours to change."))
        reach.must_weigh(wanted.value.symbol, wanted.value.score, entry)
        if wanted.expires_at != entry.expires_at:
            _must_be_ahead(wanted.expires_at)
        if all(getattr(entry, name) == value for name, value in row.items()):
            return found.revision
        if entry.value != wanted.value.text:
            _must_be_new(found, wanted.value.text)
        made = {"owner_id": entry.owner_id, "made_by": entry.made_by, "made_at": entry.made_at}
        change.end(MapEntry.id == entry_id)
        change.insert([made | row])
        change.tell(*dict.fromkeys((entry.value, wanted.value.text)))
    return change.number


def switch(reach: MapReach, found: Map, ids: Sequence[int], verb: RevisionVerb, *, actor: Actor, until: datetime | None = None) -> int:
    """Enables, disables or removes entries, or sets when they expire; says how many were changed. Conflict where one of them is no more
    as it was, NotAllowed where one is not theirs; then nothing is done."""
    power = _POWER[verb]
    if not ids:
        raise BadRequest(_("Choose some entries."))
    if verb is RevisionVerb.EXPIRY_SET:
        _must_be_ahead(until)
    chosen = MapEntry.id.in_([number for number in ids if number <= MAX_ID])
    with changing(found.id, verb, actor=actor) as change:
        there = (MapEntry.map_id == found.id, MapEntry.until == ALIVE, chosen, reach.condition(found))
        rows = db.session.execute(select(MapEntry.id, MapEntry.value).where(*there)).all()
        if len(rows) < len(set(ids)):
            raise _gone()
        theirs = (MapEntry.map_id == found.id, chosen, reach.changeable(found, power))
        if len(db.session.scalars(select(MapEntry.id).where(*theirs)).all()) < len(rows):
            raise NotAllowed(_("This entry is not yours to change."))
        changed = _switch(change, (chosen,), until)
        change.tell(*(row.value for row in rows))
    return changed


def switch_all(
    reach: MapReach,
    found: Map,
    conditions: Sequence[ColumnElement[bool]],
    verb: RevisionVerb,
    *,
    actor: Actor,
    until: datetime | None = None,
) -> int:
    """Of all entries that fit, those that are theirs to change."""
    if verb is RevisionVerb.EXPIRY_SET:
        _must_be_ahead(until)
    with changing(found.id, verb, actor=actor) as change:
        return _switch(change, (*conditions, reach.changeable(found, _POWER[verb])), until)


def _switch(change: Change, conditions: Sequence[ColumnElement[bool]], until: datetime | None) -> int:
    """Only what is not yet so."""
    verb = change.verb
    changes: dict[str, Any] = {}
    if verb in (RevisionVerb.ENABLED, RevisionVerb.DISABLED):
        changes = {"enabled": verb is RevisionVerb.ENABLED}
        conditions = (*conditions, MapEntry.enabled == (verb is RevisionVerb.DISABLED))
    elif verb is RevisionVerb.EXPIRY_SET:
        changes = {"expires_at": until}
    ended = change.end(*conditions)
    if ended and changes:
        change.put_again(MapEntry.until == change.number, **changes)
    return ended


def owner_of(reach: MapReach, found: Map, rcpt: str) -> int | None:
    """Whose an entry is: of who lists something for an address of their own."""
    return reach.user_id if found.is_personal and rcpt in reach.own.addresses else None


def _entry(change: Change, reach: MapReach, entry_id: int) -> MapEntry:
    """What is not theirs to see is not there."""
    there = (MapEntry.id == min(entry_id, MAX_ID), MapEntry.map_id == change.map.id, reach.condition(change.map))
    entry = db.session.scalar(select(MapEntry).where(*there).execution_options(populate_existing=True))
    if entry is None:
        raise NotFound(_("There is no such entry."))
    if entry.until != ALIVE:
        raise _gone()
    return entry


def _must_be_new(found: Map, text: str) -> None:
    there = select(MapEntry.made_by).where(MapEntry.map_id == found.id, MapEntry.value == text, MapEntry.until == ALIVE)
    if db.session.scalar(there) is not None:
        raise Conflict(_("“%(text)s” is in this map already.", text=text[:100]))


def _must_be_ahead(moment: datetime | None) -> None:
    if moment is not None and moment <= stored_now():
        raise BadRequest(_("An entry expires in the future, or never."))


def _gone() -> Conflict:
    return Conflict(_("Somebody else has changed or removed this entry meanwhile; look at it again."))
