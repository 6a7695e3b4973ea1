"""Is the database there, and what waits in the spool."""

import pathlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.clock import now_ms
from app.extensions import db
from app.storage.spool import SUFFIX, left_behind

_asker = ThreadPoolExecutor(1, "database-probe")
_asking = threading.Lock()
_asked: list[Future[bool]] = []


@dataclass(frozen=True, slots=True)
class SpoolState:
    segments: int
    size: int
    oldest_seconds: int
    """Some seconds are normal: a segment stays open that long. Minutes mean that the database is away."""
    failed: int
    """Mails the database refuses; they wait in the failed folder."""


def database_answers(seconds: float = 3.0) -> bool:
    """No later than that: a database that takes the question and never answers is asked once, not by each who waits."""
    with _asking:
        if not _asked or _asked[-1].done():
            _asked[:] = [_asker.submit(_ask, db.engine)]
        question = _asked[-1]
    try:
        return question.result(seconds)
    except TimeoutError:
        return False


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
