"""Mail ids: 63 bits of milliseconds, node, process slot and sequence, so that the id is the time.

42 bits  milliseconds since 1970 (until the year 2109)
 8 bits  node number, 1 to 255
 5 bits  process slot on that node, 0 to 31 (a file lock gives it, see storage/spool.py)
 8 bits  sequence within the millisecond
"""

import threading
from datetime import UTC, datetime

from app.clock import now_ms

SEQUENCE_BITS = 8
SLOT_BITS = 5
NODE_BITS = 8
TIME_SHIFT = SEQUENCE_BITS + SLOT_BITS + NODE_BITS

HOUR_MS = 3_600_000
MAX_NODE = (1 << NODE_BITS) - 1
SLOTS = 1 << SLOT_BITS
MAX_ID = (1 << 63) - 1
_MAX_SEQUENCE = (1 << SEQUENCE_BITS) - 1


class MailIds:
    """Gives ids that only grow, also when the clock steps back."""

    def __init__(self, node: int, slot: int) -> None:
        if not 1 <= node <= MAX_NODE or not 0 <= slot < SLOTS:
            raise ValueError(f"node {node} or slot {slot} does not fit a mail id")
        self._origin = (node << SLOT_BITS | slot) << SEQUENCE_BITS
        self._lock = threading.Lock()
        self._ms = 0
        self._sequence = 0

    def next(self) -> int:
        with self._lock:
            ms = now_ms()
            if ms > self._ms:
                self._ms, self._sequence = ms, 0
            elif self._sequence < _MAX_SEQUENCE:
                self._sequence += 1
            else:  # borrow from the next millisecond rather than wait
                self._ms, self._sequence = self._ms + 1, 0
            return self._ms << TIME_SHIFT | self._origin | self._sequence


def id_ms(mail_id: int) -> int:
    return mail_id >> TIME_SHIFT


def id_time(mail_id: int) -> datetime:
    return datetime.fromtimestamp(id_ms(mail_id) / 1000, UTC)


def first_id_at(moment: datetime) -> int:
    """The smallest id of that millisecond: `id >= first_id_at(day)` is a date filter."""
    return int(moment.timestamp() * 1000) << TIME_SHIFT


def id_hour(mail_id: int) -> int:
    """Hours since 1970."""
    return id_ms(mail_id) // HOUR_MS


def first_id_of_hour(hour: int) -> int:
    return hour * HOUR_MS << TIME_SHIFT


def id_at(moment: datetime, node: int, sequence: int) -> int:
    """An id for mail of the past; `sequence` tells those of one millisecond apart."""
    return first_id_at(moment) | node << SLOT_BITS + SEQUENCE_BITS | sequence % (1 << SLOT_BITS + SEQUENCE_BITS)
