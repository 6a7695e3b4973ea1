"""Which revision of each map every node has, and which of them are behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select

from app.clock import stored_now
from app.extensions import db
from app.models.maps import Map, MapFetch, MapRevision
from app.rspamd.map_kinds import MapPart

SILENT_SECONDS = 600
"""Rspamd asks every 15 seconds; later ones than this do not ask any more."""
LATE_SECONDS = 300
"""A revision that is older has had time to come everywhere."""


@dataclass(frozen=True, slots=True)
class NodeFetch:
    map_id: int
    name: str
    node: str
    revision: int
    behind: int
    """By so many revisions."""
    fetched_at: datetime
    seconds: int
    """Since it asked last."""
    is_stale: bool
    agent: str
    ip: str


def node_fetches(map_id: int | None = None) -> Sequence[NodeFetch]:
    """By map and node; of one map, or of all."""
    now = stored_now()
    next_one = and_(MapRevision.map_id == MapFetch.map_id, MapRevision.number == MapFetch.revision + 1)
    query = (
        select(MapFetch, Map.name, Map.revision, Map.changed_at, MapRevision.at)
        .join(Map, Map.id == MapFetch.map_id)
        .outerjoin(MapRevision, next_one)
        .order_by(Map.name, MapFetch.node)
    )
    if map_id is not None:
        query = query.where(MapFetch.map_id == map_id)
    return [_row(fetch, name, revision, at or changed_at, now) for fetch, name, revision, changed_at, at in db.session.execute(query)]


def unfetched(map_id: int | None = None) -> Sequence[Map]:
    """Maps in effect that Rspamd is to use and nobody has asked for: no node's files name them yet. Of one map, or of all."""
    is_fetched = exists().where(MapFetch.map_id == Map.id)
    query = select(Map).where(Map.enabled.is_(True), Map.part != MapPart.NONE, ~is_fetched).order_by(Map.name)
    return db.session.scalars(query if map_id is None else query.where(Map.id == map_id)).all()


def _row(fetch: MapFetch, name: str, revision: int, outdated_at: datetime, now: datetime) -> NodeFetch:
    seconds = max(0, int((now - fetch.fetched_at).total_seconds()))
    is_late = fetch.revision != revision and outdated_at <= now - timedelta(seconds=LATE_SECONDS)
    return NodeFetch(
        map_id=fetch.map_id,
        name=name,
        node=fetch.node,
        revision=fetch.revision,
        behind=max(0, revision - fetch.revision),
        fetched_at=fetch.fetched_at,
        seconds=seconds,
        is_stale=seconds >= SILENT_SECONDS or is_late,
        agent=fetch.agent,
        ip=fetch.ip,
    )
