"""Is the database there, is the store, and what waits in the spool."""

import pathlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.clock import now_ms
from app.extensions import db
from app.storage import store_for
from app.storage.spool import SUFFIX, left_behind
from app.storage.store import CANNOT_WRITE


class _Question:
    """Asked once, however many wait for the answer."""

    def __init__(self, name: str) -> None:
        self._asker = ThreadPoolExecutor(1, name)
        self._asking = threading.Lock()
        self._asked: Future[bool] | None = None

    def answer(self, ask: Callable[[], bool], seconds: float) -> bool:
        """No later than that: who takes the question and never answers counts as away."""
        with self._asking:
            if self._asked is None or self._asked.done():
                self._asked = self._asker.submit(ask)
            asked = self._asked
        try:
            return asked.result(seconds)
        except TimeoutError:
            return False


_database, _store = _Question("database-probe"), _Question("store-probe")


@dataclass(frozen=True, slots=True)
class SpoolState:
    segments: int
    size: int
    oldest_seconds: int
    """Some seconds are normal: a segment stays open that long. Minutes mean that the database is away."""
    failed: int
    """Mails the database refuses; they wait in the failed folder."""


def database_answers(seconds: float = 3.0) -> bool:
    engine = db.engine
    return _database.answer(lambda: _ask(engine), seconds)


def store_answers(url: str, seconds: float = 3.0) -> bool:
    """Of a store over a network."""
    return _store.answer(lambda: _knock(url), seconds)


def _knock(url: str) -> bool:
    try:
        store_for(url).prepare()
    except CANNOT_WRITE:
        return False
    return True


def _ask(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def spool_state(root: str) -> SpoolState:
    segments = size = 0
    oldest = now_ms()
    for _, path in left_behind(root):
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue  # let go while we looked
        segments += 1
        oldest = min(oldest, int(path.name.partition("-")[0]))
    failed = sum(1 for _ in pathlib.Path(root).glob(f"failed/*{SUFFIX}"))
    return SpoolState(segments, size, max(0, now_ms() - oldest) // 1000, failed)
