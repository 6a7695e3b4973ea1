"""Maps and entries as rows, for what only reads them; each change under its number, as the services make it."""

import hashlib
from collections.abc import Iterable
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, update

from app.clock import stored_now
from app.extensions import db
from app.models.maps import ALIVE, Map, MapEntry, MapRevision
from app.services.map_feed import MapFeed

VALUES = tuple(f"{number:04d}.example" for number in range(3000))


def make_map(app: Flask, name: str = "spammers", *values: str, kind: str = "address_or_domain", **fields: Any) -> int:
    now = stored_now()
    row = {"name": name, "title": name, "description": "", "kind": kind, "symbol": "", "created_at": now, "changed_at": now} | fields
    with app.app_context(), db.engine.begin() as connection:
        [map_id] = connection.execute(insert(Map).values(row)).inserted_primary_key or ()
    if values:
        change(app, map_id, puts=values)
    return int(map_id)


def put(app: Flask, map_id: int, *values: str, **fields: Any) -> int:
    """One revision that adds them, or changes those that are there."""
    return change(app, map_id, ends=values, puts=values, **fields)


def end(app: Flask, map_id: int, *values: str) -> int:
    return change(app, map_id, ends=values)


def change(app: Flask, map_id: int, *, ends: Any = (), puts: Any = (), **fields: Any) -> int:
    now = stored_now()
    with app.app_context(), db.engine.connect().execution_options(writes=True) as connection:
        revision = connection.scalar(select(Map.revision).where(Map.id == map_id).with_for_update()) + 1
        common = {"map_id": map_id, "since": revision, "until": ALIVE, "made_by": "root", "made_at": now, "changed_at": now}
        if ends:
            there = (MapEntry.map_id == map_id, MapEntry.until == ALIVE, MapEntry.value.in_(ends))
            connection.execute(update(MapEntry).where(*there).values(until=revision))
        if puts:
            connection.execute(insert(MapEntry), [common | {"value": value} | fields for value in puts])
        told = {"at": now, "actor": "root", "on_behalf_of": "", "verb": "changed", "note": "{}"}
        connection.execute(insert(MapRevision).values(map_id=map_id, number=revision, **told))
        connection.execute(update(Map).where(Map.id == map_id).values(revision=revision, changed_at=now))
        connection.commit()
    return int(revision)


def feed_of(app: Flask) -> MapFeed:
    """Which asks the database each time."""
    found: MapFeed = app.extensions["mailkeep_maps"]
    found.fresh_seconds = 0.0
    return found


def text_of(feed: MapFeed, name: str = "spammers") -> bytes:
    """As it is served, and as its head says."""
    text, blocks = feed.opened(feed.get(name).text)
    found = b"".join(blocks)
    blocks.close()
    assert (text.head.length, text.head.digest) == (len(found), hashlib.sha256(found).hexdigest())
    return found


def expected(name: str, revision: int, values: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in (f"# Mailkeep map {name}, revision {revision}", *sorted(values))).encode()
