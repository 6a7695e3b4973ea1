"""Notes which revision of which map each node has, beside the answers: a minute late at most, and never in anybody's way."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.clock import monotonic, stored_now
from app.models.maps import MapFetch
from app.services.background import Background

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 60.0
_MOST_KNOWN = 10_000
_TABLE = MapFetch.__table__.c


@dataclass(frozen=True, slots=True)
class Fetch:
    node: str
    map_id: int
    revision: int
    etag: str
    agent: str
    ip: str
    at: datetime


class FetchNotes:
    def __init__(self, engine: Engine, background: Background) -> None:
        self._engine, self._background = engine, background
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[int, float]] = {}
        """The revision that was noted last, and when."""
        self._waiting: dict[tuple[str, int], Fetch] = {}

    def note(self, node: str, map_id: int, revision: int, etag: str, agent: str, ip: str) -> None:
        key, now = (node, map_id), monotonic()
        known = self._known.get(key)
        if known is not None and known[0] == revision and now - known[1] < _PAUSE_SECONDS:
            return
        agent = "".join(sign if sign.isprintable() else " " for sign in agent[:100])
        fetch = Fetch(node[:64], map_id, revision, etag[:64], agent, ip[:45], stored_now())
        with self._lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = (revision, now)
            is_first = not self._waiting
            self._waiting[key] = fetch
        # One piece of work for all that wait: others have mails to send by the same thread.
        if is_first and not self._background.do(self._write):
            self._take()

    def _take(self) -> list[Fetch]:
        with self._lock:
            taken = list(self._waiting.values())
            self._waiting.clear()
        return taken

    def _write(self) -> None:
        taken = self._take()
        try:
            for fetch in taken:
                self._write_one(fetch)
        except SQLAlchemyError as error:
            log.info("maps: who has what could not be noted: %s", type(error).__name__)
            with self._lock:
                for fetch in taken:
                    self._known.pop((fetch.node, fetch.map_id), None)

    def _write_one(self, fetch: Fetch) -> None:
        """Several processes take the fetches of one node: what another has just noted is left alone."""
        key = and_(_TABLE.node == fetch.node, _TABLE.map_id == fetch.map_id)
        values = {"revision": fetch.revision, "etag": fetch.etag, "fetched_at": fetch.at, "agent": fetch.agent, "ip": fetch.ip}
        is_news = or_(_TABLE.revision != fetch.revision, _TABLE.fetched_at <= fetch.at - timedelta(seconds=_PAUSE_SECONDS))
        with self._engine.connect().execution_options(writes=True) as connection:
            found = connection.execute(update(MapFetch).where(key, is_news).values(values))
            if not found.rowcount and connection.execute(select(_TABLE.map_id).where(key)).first() is None:
                try:
                    connection.execute(insert(MapFetch).values(node=fetch.node, map_id=fetch.map_id, **values))
                except IntegrityError:  # another process was faster
                    connection.rollback()
            connection.commit()
