"""How much recipients may list for their own addresses: each entry is in the memory of every Rspamd, and each line has to be read."""

from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.errors import BadRequest
from app.extensions import db
from app.models import Map, MapEntry
from app.models.maps import ALIVE
from app.queries.map_reach import MapReach

_BYTES_OF_AN_ENTRY = 1000


@dataclass(slots=True)
class Room:
    """Of one map, for one recipient."""

    left: int

    def take(self) -> None:
        """BadRequest where it is full."""
        if self.left <= 0:
            raise BadRequest(_("A map takes at most %(count)s entries for your own addresses.", count=current_app.config["OWN_ENTRIES"]))
        self.left -= 1


def room_of(reach: MapReach, found: Map) -> Room | None:
    """None where there is no bound: for who looks after a whole map, or whole domains."""
    if not _is_bounded(reach, found):
        return None
    most: int = current_app.config["OWN_ENTRIES"]
    there = (MapEntry.map_id == found.id, MapEntry.until == ALIVE, MapEntry.rcpt.in_(reach.own.addresses))
    rows = select(MapEntry.id).where(*there).limit(most).subquery()
    return Room(most - (db.session.scalar(select(func.count()).select_from(rows)) or 0))


def upload_bytes(reach: MapReach, found: Map) -> int:
    """The most that may be brought at once."""
    most: int = current_app.config["MAPS_UPLOAD_BYTES"]
    return min(most, current_app.config["OWN_ENTRIES"] * _BYTES_OF_AN_ENTRY) if _is_bounded(reach, found) else most


def _is_bounded(reach: MapReach, found: Map) -> bool:
    return not (reach.edits_whole(found) or reach.own.domains)
