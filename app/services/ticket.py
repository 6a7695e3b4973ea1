"""One mail on its way through the intake, and what came of it."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum, unique

from app.rspamd.report import Received
from app.services.entry import Entry
from app.storage.spool import Segment


@unique
class Outcome(StrEnum):
    COMMITTED = "committed"
    SPOOLED = "spooled"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    RESCANNED = "rescanned"


@dataclass(frozen=True, slots=True)
class Accepted:
    mail_id: int
    outcome: Outcome


@dataclass(slots=True)
class Ticket:
    """Held by the request that waits; settled by the intake's two threads, one after the other."""

    node: str
    received: Received
    mail_id: int
    """In the end that of the mail that stands for it: an earlier one, for a doubled post."""
    prepared: Entry | None = None
    in_store: bool = True
    """False when its raw copy could not be written to the store."""
    segment: Segment | None = None
    """Where it is flushed; None while it is not."""
    is_late: bool = False
    """The request has waited for the database long enough: it is answered as soon as the mail is safe."""
    outcome: Outcome | None = None
    _gate: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._gate.acquire()

    @property
    def entry(self) -> Entry:
        assert self.prepared is not None  # noqa: S101 - the first thread prepares before anybody asks
        return self.prepared

    def settle(self, outcome: Outcome, mail_id: int = 0) -> None:
        if self.outcome is None:
            self.outcome, self.mail_id = outcome, mail_id or self.mail_id
            self._gate.release()

    def wait(self, seconds: float) -> bool:
        return self._gate.acquire(timeout=seconds)
