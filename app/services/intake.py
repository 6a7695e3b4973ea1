"""The intake: requests that arrive together are flushed together and committed together; each is answered after its own commit.

Two threads a process, and one that watches the clock (services/watch.py). The first appends whatever waits to the journal and
flushes once, the second takes what was flushed into one transaction. While one batch is written the next one gathers. When the
database is away, mails are answered from the journal alone and services/keeper.py replays them later. A store over a network is
slow: there the second thread brings the copies, many at once, before the rows; while it is away mails with a copy are answered from
the journal, too. When the journal cannot be written, the store is flushed instead and only the commit counts. When neither works
the answer is no, and nothing is kept.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from app.clock import monotonic
from app.errors import BadRequest, Unavailable
from app.ids import MailIds
from app.rspamd.report import Received
from app.services import meter
from app.services.entry import Entry
from app.services.insert import insert_entries
from app.services.lane import Lane
from app.services.policy import StorePolicy
from app.services.prepare import Settings, entry_of
from app.services.ticket import Accepted, Outcome, Ticket
from app.services.watch import GIVE_UP_SECONDS, Watch
from app.storage.spool import Journal, Record
from app.storage.store import CANNOT_WRITE, Store, reason

log = logging.getLogger(__name__)

_BATCH_BYTES = 16 << 20
_GATHER_SECONDS = 0.004
"""Where mails come together: a flush and a transaction cost as much for one of them as for ten."""
_LARGE_BYTES = 512 << 10
_MOST_WAITING = 2000
"""Mails that a disk that hangs is given to hold in memory."""


class Intake:
    """One per process that takes mail. start() before accept(), stop() at the end."""

    def __init__(self, engine: Engine, store: Store, journal: Journal, ids: MailIds, policy: StorePolicy, settings: Settings) -> None:
        self.engine, self.store, self.journal, self.ids = engine, store, journal, ids
        self.policy, self.settings = policy, settings
        self.lock = threading.Lock()
        """Guards the journal and its segments."""
        self.in_flight: dict[str, int] = {}
        """How many mails of a segment the second thread has in hand, by file name."""
        self.database_away = False
        """Set here when a commit fails; cleared by the keeper when a replay went through."""
        self.store_away = False
        """Likewise, of a store over a network."""
        self._busy_since: float | None = None
        self._come_together = False
        self._arrived: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._flushed: queue.SimpleQueue[list[Ticket] | None] = queue.SimpleQueue()
        self._watch = Watch(settings.patience)
        self._lane = Lane(engine)
        self._threads = [
            threading.Thread(target=self._journal_loop, name="intake-journal", daemon=True),
            threading.Thread(target=self._database_loop, name="intake-database", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self._watch.start()

    def stop(self) -> None:
        """What has arrived is still journaled and, if the database answers, committed."""
        self._arrived.put(None)
        for thread in self._threads:
            if thread.ident:
                thread.join(timeout=10)
        self._watch.stop()

    # --- in the thread that has the post -----------------------------------------------------------------------------------

    def accept(self, node: str, received: Received) -> Accepted:
        """Returns when the mail is safe; Unavailable when it is not, and then nothing of it will appear later unless the disk
        answers after all (a sender that repeats the post still gets one mail)."""
        gate = threading.Lock()
        gate.acquire()
        ticket = self.take(node, received, lambda _settled: gate.release())
        gate.acquire(timeout=self.settings.patience + GIVE_UP_SECONDS + 1.0)  # after the end there is nobody who would tell
        return ticket.accepted()

    def take(self, node: str, received: Received, tell: Callable[[Ticket], None]) -> Ticket:
        """Waits for nobody: who posted is told when the mail is safe, or that it is not, by another thread. A large copy is packed here."""
        if self._arrived.qsize() >= _MOST_WAITING:
            raise Unavailable("the spool's disk does not answer: too many mails wait for it")
        ticket = Ticket(node, received, self.ids.next(), tell)
        if received.raw is not None and len(received.raw) > _LARGE_BYTES:
            self._prepare(ticket)  # here, so that the small ones need not wait for it
        self._watch.add(ticket)
        self._arrived.put(ticket)
        return ticket

    def _prepare(self, ticket: Ticket) -> Entry:
        """The entry, and its raw copy in the store. One thread does this for all: many would fight for the interpreter."""
        entry = ticket.prepared = entry_of(ticket, self.policy, self.settings)
        if entry.keep and not self.store.is_far:
            try:
                self.store.put(entry.digest or "", entry.packed, durable=False)
            except CANNOT_WRITE as error:
                ticket.in_store = False
                log.error("store: cannot write %s: %s", entry.digest, reason(error))
        return entry

    # --- first thread: make it safe ---------------------------------------------------------------------------------------

    def _journal_loop(self) -> None:
        while tickets := self._gather():
            try:
                self._write_down(tickets)
            except Exception:
                log.exception("intake: the journal thread stumbled")
                for ticket in tickets:
                    ticket.settle(Outcome.FAILED)
        self._flushed.put(None)

    def _gather(self) -> list[Ticket]:
        """All that waits, at least one; nothing at the end of the process. Who comes alone is not kept waiting for others."""
        tickets: list[Ticket] = []
        size = 0
        try:
            ticket = self._arrived.get()
            if self._come_together and self._arrived.qsize() < self.settings.batch_rows:
                time.sleep(_GATHER_SECONDS)
            while ticket is not None:
                tickets.append(ticket)
                size += len(ticket.received.raw or b"")
                if len(tickets) >= self.settings.batch_rows or size >= _BATCH_BYTES:
                    break
                ticket = self._arrived.get_nowait()
            else:
                if tickets:
                    self._arrived.put(None)  # the end was read too early: once more
        except queue.Empty:
            pass
        self._come_together = len(tickets) > 1
        return tickets

    def _write_down(self, arrived: list[Ticket]) -> None:
        written = [(ticket, record) for ticket in arrived if (record := self._record_of(ticket))]
        if not written:
            return
        tickets, records = [ticket for ticket, _ in written], [record for _, record in written]
        digests = [ticket.entry.digest for ticket in tickets if ticket.entry.keep and ticket.entry.digest and ticket.in_store]
        try:
            with self.lock:
                segment = self.journal.append(records, digests)
                ready = self._database_ready()
                due = [ticket for ticket in tickets if ready and self._can_have_its_copy(ticket)]
                self.in_flight[segment.path.name] = self.in_flight.get(segment.path.name, 0) + len(due)
        except OSError as error:
            log.error("spool: cannot write: %s", error.strerror)
            self._without_journal(tickets)
            return
        for ticket in tickets:
            ticket.segment = segment
            if ticket.is_late:
                ticket.settle(Outcome.SPOOLED)
        if len(due) < len(tickets):
            chosen = {id(ticket) for ticket in due}
            for ticket in tickets:
                if id(ticket) not in chosen:
                    ticket.settle(Outcome.SPOOLED)
        if due:
            self._flushed.put(due)

    def _record_of(self, ticket: Ticket) -> Record | None:
        """None for a mail that cannot be prepared: it is refused, the others of its batch are not."""
        try:
            return (ticket.prepared or self._prepare(ticket)).to_record()
        except Exception:
            log.exception("intake: a mail by %s cannot be prepared", ticket.node)
            ticket.settle(Outcome.FAILED)
            return None

    def _without_journal(self, tickets: list[Ticket]) -> None:
        able = [ticket for ticket in tickets if self._can_have_its_copy(ticket) and not self.database_away]
        digests = [ticket.entry.digest or "" for ticket in able if ticket.entry.keep]
        if digests:
            try:
                self.store.flush(digests)
            except CANNOT_WRITE as error:
                log.error("store: cannot flush: %s", reason(error))
                able = [ticket for ticket in able if not ticket.entry.keep]
        chosen = {id(ticket) for ticket in able}
        for ticket in tickets:
            if id(ticket) not in chosen:
                ticket.settle(Outcome.FAILED)
        if able:
            self._flushed.put(able)

    def _can_have_its_copy(self, ticket: Ticket) -> bool:
        """Before it is a row."""
        return ticket.in_store and not (ticket.entry.keep and self.store_away)

    def _database_ready(self) -> bool:
        """Not when it failed, and not while a commit hangs: who comes meanwhile need not wait for it."""
        busy = self._busy_since
        return not self.database_away and (busy is None or monotonic() - busy < self.settings.patience)

    # --- second thread: make it a row -------------------------------------------------------------------------------------

    def _database_loop(self) -> None:
        while (tickets := self._next_batch()) is not None:
            try:
                self._busy_since = monotonic()
                if able := self._with_copies(tickets):
                    self._commit(able)
            except Exception:
                log.exception("intake: the database thread stumbled")
                self._leave_to_replay(tickets)
            finally:
                self._busy_since = None
                self._landed(tickets)
        self._lane.close()

    def _next_batch(self) -> list[Ticket] | None:
        batch = self._flushed.get()
        while batch is not None and len(batch) < self.settings.batch_rows:
            try:
                more = self._flushed.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._flushed.put(None)
                break
            batch = batch + more
        return batch

    def _with_copies(self, tickets: list[Ticket]) -> list[Ticket]:
        """Those whose copies are in the store: all, or where that is away now those that have none. The others are left to the replay."""
        if not self.store.is_far or self.database_away:
            return tickets
        kept = [ticket for ticket in tickets if ticket.entry.keep]
        try:
            if self.store_away and kept:
                raise Unavailable("the store is away")
            self.store.put_all((ticket.entry.digest or "", ticket.entry.packed) for ticket in kept)
        except Unavailable as error:
            if not self.store_away:
                log.error("intake: mails with a copy wait in the spool: %s", error)
            self.store_away = True
            self._leave_to_replay(kept)
            return [ticket for ticket in tickets if not ticket.entry.keep]
        return tickets

    def _commit(self, tickets: list[Ticket]) -> None:
        if self.database_away:
            self._leave_to_replay(tickets)
            return
        try:
            with meter.commit_seconds.time():
                outcome = insert_entries(self.engine, [ticket.entry for ticket in tickets], self.settings.node, self._lane.connect)
        except Unavailable as error:
            log.error("intake: %s", error)
            self.database_away = True
            self._leave_to_replay(tickets)
            return
        except BadRequest as error:
            if len(tickets) == 1:
                log.error("intake: mail %d stays in the spool: %s", tickets[0].entry.id, error)
                self._leave_to_replay(tickets)
                return
            for ticket in tickets:  # one of them spoils the batch: find it
                self._commit([ticket])
            return
        self._record(tickets, outcome)

    def _record(self, tickets: Sequence[Ticket], outcome: dict[int, int]) -> None:
        meter.batch_rows.observe(len(tickets))
        meter.rows.labels("intake").inc(sum(mail_id == entry_id for entry_id, mail_id in outcome.items()))
        with self.lock:
            for ticket in tickets:
                if ticket.segment:
                    self.journal.committed(ticket.segment, (ticket.entry.id,))
        for ticket in tickets:
            mail_id = outcome[ticket.entry.id]
            ticket.settle(Outcome.COMMITTED if mail_id == ticket.entry.id else Outcome.DUPLICATE, mail_id)

    def _leave_to_replay(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            ticket.settle(Outcome.SPOOLED if ticket.segment else Outcome.FAILED)

    def _landed(self, tickets: Sequence[Ticket]) -> None:
        with self.lock:
            for ticket in tickets:
                if ticket.segment:
                    self.in_flight[ticket.segment.path.name] -= 1
