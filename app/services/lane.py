"""The intake's own way into the database: one connection while mails follow each other, and on SQLite a turn for each process.

From the pool a connection costs a ping and a rollback each time. SQLite has those who wait to write look again after ever longer
naps: who is unlucky waits a second where another process writes all the time. A lock of the system wakes who has waited longest.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from app.clock import monotonic

_STALE_SECONDS = 5.0


class Lane:
    """For one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = _beside(engine)
        self._held: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """As Engine.connect(). What goes wrong ends the connection, the next one is another."""
        with _turn(self._turns):
            if self._held is not None and monotonic() - self._used_at > _STALE_SECONDS:
                self.close()
            connection = self._held = self._held or self._engine.connect()
            try:
                yield connection
                connection.rollback()
            except BaseException:
                self.close()
                raise
            self._used_at = monotonic()

    def close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


def _beside(engine: Engine) -> str | None:
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or ":memory:" in database:
        return None
    return f"{database}-turn"


@contextmanager
def _turn(path: str | None) -> Iterator[None]:
    """Where there can be no such file, everybody is as lucky as before."""
    descriptor = None
    try:
        if path is not None:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        pass
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
