"""One mail on its way through the intake, and what came of it."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique

from app.errors import Unavailable
from app.rspamd.report import Received
from app.services.entry import Entry
from app.storage.spool import Segment

log = logging.getLogger(__name__)


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


@dataclass(slots=True, eq=False, weakref_slot=True)
class Ticket:
    """Settled once, by one of the intake's threads: whoever is first."""

    node: str
    received: Received
    mail_id: int
    """In the end that of the mail that stands for it: an earlier one, for a doubled post."""
    tell: Callable[["Ticket"], None]
    """Called once, in the thread that settles: it has to be quick."""
    prepared: Entry | None = None
    in_store: bool = True
    """False when its raw copy could not be written to the store."""
    segment: Segment | None = None
    """Where it is flushed; None while it is not."""
    is_late: bool = False
    """The database has been waited for long enough: it is settled as soon as the mail is safe."""
    outcome: Outcome | None = None
    _once: threading.Lock = field(default_factory=threading.Lock)

    @property
    def entry(self) -> Entry:
        assert self.prepared is not None  # noqa: S101 - the first thread prepares before anybody asks
        return self.prepared

    def settle(self, outcome: Outcome, mail_id: int = 0) -> None:
        if not self._once.acquire(blocking=False):
            return
        self.mail_id = mail_id or self.mail_id
        self.outcome = outcome
        try:
            self.tell(self)
        except Exception:
            log.exception("intake: who posted mail %d could not be told", self.mail_id)

    def accepted(self) -> Accepted:
        """Of a settled one. Unavailable where the mail is not safe."""
        if self.outcome is None or self.outcome is Outcome.FAILED:
            raise Unavailable("neither the database nor the spool takes mails now")
        return Accepted(self.mail_id, self.outcome)
