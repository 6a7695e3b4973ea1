"""What the database will not have just now is tried again: two at once, or two nodes of a cluster."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.extensions import db

T = TypeVar("T")
_TRIES = 5
# MariaDB: lock wait, deadlock, what another node of a Galera cluster was faster with. PostgreSQL: no lock, serialization, deadlock.
_BEATEN = {"1205", "1213", "55P03", "40001", "40P01"}


def code_of(error: DBAPIError) -> str:
    """PostgreSQL's and MariaDB's; SQLite says it in words."""
    original: Any = error.orig
    return str(getattr(original, "sqlstate", None) or (original.args[0] if original and original.args else ""))


def was_beaten(error: DBAPIError) -> bool:
    """Somebody else was faster: nothing was changed, and it may go well the next time."""
    return code_of(error) in _BEATEN


def is_busy(error: DBAPIError) -> bool:
    return was_beaten(error) or "database is locked" in code_of(error)


def tried(work: Callable[[], T]) -> T:
    """A whole transaction."""
    for attempt in range(1, _TRIES):
        try:
            return work()
        except (IntegrityError, OperationalError):
            db.session.rollback()
            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)  # noqa: S311 - jitter, no secret
    return work()
