"""The entries of a map as one revision has them, page by page, for a file."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.clock import stored_now
from app.extensions import db
from app.models import Map, MapEntry
from app.queries.map_history import at_revision
from app.queries.map_reach import MapReach
from app.queries.maps import Wish

_COLUMNS = [getattr(MapEntry, name) for name in ("value", "data", "symbol", "score", "comment", "enabled", "expires_at")]


def exported_page(reach: MapReach, found: Map, number: int, wish: Wish, after: str, size: int) -> Sequence[Any]:
    """By value. All pages of one revision together are the map as it was then, whatever is changed meanwhile."""
    query = select(*_COLUMNS).where(MapEntry.map_id == found.id, at_revision(number), reach.condition(found), MapEntry.value > after)
    return db.session.execute(query.where(*wish.conditions(stored_now())).order_by(MapEntry.value).limit(size)).all()
