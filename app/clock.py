"""The only reader of the clock, so that tests can move it."""

import time
from datetime import UTC, datetime


def utcnow() -> datetime:
    return datetime.now(UTC)


def stored_now() -> datetime:
    """Now, as a column keeps it: UTC that does not say so."""
    return utcnow().replace(tzinfo=None)


def now_ms() -> int:
    """Milliseconds since 1970, as mail ids use them."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds that never go back: for time-outs and durations only."""
    return time.monotonic()
