"""Whose mail is safe is told so after a while, also when the database has not answered: no thread waits for each of them."""

import queue
import threading
import time
import weakref
from collections import deque

from app.clock import monotonic
from app.services.ticket import Outcome, Ticket

GIVE_UP_SECONDS = 15.0
_STEP_SECONDS = 0.05
_Waiting = tuple[float, weakref.ref[Ticket]]
"""Until when, and which: a ticket that is settled is kept in memory by nobody."""


class Watch:
    """A thread that sleeps where nobody waits."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._came: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._late: deque[_Waiting] = deque()
        self._thread = threading.Thread(target=self._loop, name="intake-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._came.put(None)
        if self._thread.ident:
            self._thread.join(timeout=10)

    def add(self, ticket: Ticket) -> None:
        self._came.put((monotonic() + self._patience, weakref.ref(ticket)))

    def _loop(self) -> None:
        while True:
            try:
                waiting = self._came.get(timeout=_STEP_SECONDS if self._late else None)
            except queue.Empty:
                pass
            else:
                if waiting is None:
                    return
                self._wait_for(*waiting)
            self._give_up()

    def _wait_for(self, until: float, ref: weakref.ref[Ticket]) -> None:
        while _is_open(ref) and monotonic() < until:
            time.sleep(min(_STEP_SECONDS, self._patience))
        ticket = ref()
        if ticket is None or ticket.outcome is not None:
            return
        ticket.is_late = True  # set before the look at the segment: the journal's thread sets the segment before it looks here
        if ticket.segment:
            ticket.settle(Outcome.SPOOLED)
        else:
            self._late.append((monotonic() + GIVE_UP_SECONDS, ref))

    def _give_up(self) -> None:
        while self._late and (monotonic() >= self._late[0][0] or not _is_open(self._late[0][1])):
            if (ticket := self._late.popleft()[1]()) is not None:
                ticket.settle(Outcome.FAILED)


def _is_open(ref: weakref.ref[Ticket]) -> bool:
    ticket = ref()
    return ticket is not None and ticket.outcome is None
