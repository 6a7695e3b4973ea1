"""The way back: a map as it was at a revision, made its newest one."""

from flask_babel import gettext as _

from app.actor import Actor
from app.errors import Conflict, NotAllowed
from app.models import Map, MapEntry, RevisionVerb
from app.models.maps import ALIVE
from app.queries.map_history import revision_of
from app.queries.map_reach import MapReach
from app.services.map_change import changing


def roll_back(reach: MapReach, found: Map, to: int, seen: int, *, actor: Actor) -> int:
    """Its entries, not its settings. Conflict where the map has changed since revision `seen`, which whoever asks had before them."""
    if not reach.edits_whole(found):
        raise NotAllowed(_("The entries of this map are not yours to change."))
    revision_of(found, to)
    with changing(found.id, RevisionVerb.ROLLED_BACK, actor=actor) as change:
        if change.map.revision != seen:
            raise Conflict(_("Somebody else has changed this map meanwhile; look at it again."))
        change.end(MapEntry.since > to)
        change.put_again(MapEntry.since <= to, MapEntry.until != ALIVE, MapEntry.until > to)
        if change.added or change.removed:
            change.note = {"to": to}
    return change.number if change.note else seen
