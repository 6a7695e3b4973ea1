"""The way back: a map as it was at a revision, made its newest one."""

import json

from flask_babel import gettext as _
from sqlalchemy import select

from app.actor import Actor
from app.errors import Conflict, NotAllowed
from app.extensions import db
from app.models import Map, MapEntry, MapRevision, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_history import must_have_been
from app.queries.map_reach import MapReach
from app.services.map_change import changing


def roll_back(reach: MapReach, found: Map, to: int, seen: int, *, actor: Actor) -> int:
    """Its entries, not its settings. Conflict where the map has changed since revision `seen`, which whoever asks had before them."""
    if not reach.edits_whole(found):
        raise NotAllowed(_("The entries of this map are not yours to change."))
    must_have_been(found, to)
    with changing(found.id, RevisionVerb.ROLLED_BACK, actor=actor) as change:
        if change.map.revision != seen:
            raise Conflict(_("Somebody else has changed this map meanwhile; look at it again."))
        _must_be_of_one_kind(change.map, to)
        change.end(MapEntry.since > to)
        change.put_again(MapEntry.since <= to, MapEntry.until != ALIVE, MapEntry.until > to)
        if change.added or change.removed:
            change.note = {"to": to}
    return change.number if change.note else seen


def _must_be_of_one_kind(found: Map, to: int) -> None:
    """An empty map may have become one of another kind: what it held before fits no more."""
    settings = (MapRevision.map_id == found.id, MapRevision.number > to, MapRevision.verb == RevisionVerb.SETTINGS)
    for note in db.session.scalars(select(MapRevision.note).where(*settings)):
        if note and "kind" in json.loads(note).get("before", {}):
            raise Conflict(_("The kind of this map was changed since then: those entries do not fit any more."))
