"""The only reader of the clock, so that tests can move it."""

import time
from datetime import UTC, datetime


def utcnow() -> datetime:
    return datetime.now(UTC)


def now_ms() -> int:
    """Milliseconds since 1970, as mail ids use them."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds that never go back: for time-outs and durations only."""
    return time.monotonic()
