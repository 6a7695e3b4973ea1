"""What a node's Rspamd has to know of the maps, and what it called itself when it fetched one."""

from collections.abc import Sequence

from sqlalchemy import select

from app.extensions import db
from app.models import Map
from app.models.maps import MapFetch
from app.rspamd.map_kinds import MapKind, MapPart, MapRule


def map_rules() -> Sequence[MapRule]:
    found = db.session.scalars(select(Map).order_by(Map.name)).all()
    return [
        MapRule(
            name=row.name,
            title=row.title,
            kind=MapKind(row.kind),
            part=MapPart(row.part),
            header=row.header,
            symbol=row.symbol,
            score=row.score,
            colour=row.colour,
            needs_proof=row.needs_proof,
            enabled=row.enabled,
        )
        for row in found
    ]


def last_agent(node: str) -> str:
    """`rspamd-4.1.5`; nothing where it never fetched a map."""
    newest = select(MapFetch.agent).where(MapFetch.node == node, MapFetch.agent.like("rspamd%")).order_by(MapFetch.fetched_at.desc())
    return db.session.scalar(newest.limit(1)) or ""
