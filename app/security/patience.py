"""Guessing takes longer each time: answers are delayed, never refused to who did nothing, and hold few threads."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from time import sleep

from flask import current_app, has_request_context
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address

from app.clock import monotonic
from app.errors import TooManyTries
from app.services import logins

_WINDOW = 600.0
_FREE_TRIES = 3
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 4.0
_MOST_REMEMBERED = 20_000
_ENOUGH = 16

Key = tuple[str, str]


class Patience:
    """Counts in memory, per process; at most `slots` threads wait at once."""

    def __init__(self, slots: int) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        self._failures: OrderedDict[Key, deque[float]] = OrderedDict()
        self._at_home: OrderedDict[Key, None] = OrderedDict()

    def wait(self, name: str, address: str) -> None:
        """Before the password is looked at. Counts as a failure until forgive() says otherwise, so that many at once count, too."""
        name = _folded(name)
        with self._lock:
            of_address = self._delay(("address", address))
            of_name = 0.0 if (name, address) in self._at_home else self._delay(("name", name))
            self._count(("address", address))
            self._count(("name", name))
        delay = max(of_address, of_name)
        if not delay:
            return
        if self._slots.acquire(blocking=False):
            try:
                sleep(delay)
            finally:
                self._slots.release()
        elif of_address:  # who only has the name of somebody under attack goes on without
            raise TooManyTries(_("Too many tries. Wait a while and try again."))

    def forgive(self, name: str, address: str) -> None:
        """That was the right password: this try was no failure, and failures from elsewhere no longer delay this name from here."""
        name = _folded(name)
        with self._lock:
            for key in (("address", address), ("name", name)):
                if self._failures.get(key):
                    self._failures[key].pop()
            self._at_home[name, address] = None
            self._at_home.move_to_end((name, address))
            _bound(self._at_home)

    def _delay(self, key: Key) -> float:
        recent = [at for at in self._failures.get(key, ()) if monotonic() - at < _WINDOW]
        if len(recent) < _FREE_TRIES:
            return 0.0
        return float(min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (len(recent) - _FREE_TRIES)))

    def _count(self, key: Key) -> None:
        self._failures.setdefault(key, deque(maxlen=_ENOUGH)).append(monotonic())
        self._failures.move_to_end(key)
        _bound(self._failures)


def wait_to_try(name: str) -> Callable[[], None]:
    """As long as wrong tries at this name and from this address make it. The try counts as wrong until what is given back is called."""
    patience: Patience = current_app.extensions["mailkeep_patience"]
    address = get_remote_address() if has_request_context() else ""
    logins.let_go()
    patience.wait(name, address)
    return partial(patience.forgive, name, address)


def _folded(name: str) -> str:
    return name[:320].casefold()


def _bound(known: "OrderedDict[Key, deque[float]] | OrderedDict[Key, None]") -> None:
    while len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)
