"""What the database will not have just now is tried again: two at once, or two nodes of a cluster."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError

from app.extensions import db

T = TypeVar("T")
_TRIES = 5


def tried(work: Callable[[], T]) -> T:
    """A whole transaction."""
    for attempt in range(1, _TRIES):
        try:
            return work()
        except (IntegrityError, OperationalError):
            db.session.rollback()
            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)  # noqa: S311 - jitter, no secret
    return work()
