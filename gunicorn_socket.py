"""A connection that waits for nobody without end, and how it ends."""

import contextlib
import errno
import select
import socket
from time import monotonic
from typing import Any

from gunicorn import util

_LINGER_SECONDS = 0.5


class BoundedSocket(socket.socket):
    """Waits so long in all while a request is read or answered, and longer only as bytes come through. Who is slower is gone."""

    patience = 10.0
    bytes_a_second = 16 << 10
    is_gone = False
    _left = patience

    def setblocking(self, flag: bool) -> None:
        """gunicorn calls this with True where a request begins."""
        self._left = self.patience
        self.settimeout(self.patience if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Nothing from who is too slow, as from who has hung up: gunicorn and the application know what half a request is."""
        if self.is_gone:
            return b""
        began = monotonic()
        try:
            received = super().recv(size, flags)
        except TimeoutError:
            if self.gettimeout() != self.patience:  # gunicorn set a shorter one for a purpose of its own
                raise
            self.is_gone = True
            return b""
        self._spend(began, len(received))
        return received

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Python's own would take the time-out for the whole: a large answer may take long, and has to be read steadily."""
        rest = memoryview(data)
        while rest:
            began, sent = monotonic(), 0
            with contextlib.suppress(TimeoutError):
                sent = super().send(rest, flags)
            self._spend(began, sent)
            rest = rest[sent:]
            if rest and (not sent or self._left <= 0):
                self.is_gone = True
                raise ConnectionResetError(errno.ECONNRESET, "the answer is not read")

    def _spend(self, began: float, count: int) -> None:
        self._left = min(self.patience, self._left - (monotonic() - began) + count / self.bytes_a_second)
        self.is_gone = self.is_gone or self._left <= 0


def hang_up(sock: BoundedSocket, is_last: bool = False) -> None:
    """What the main thread would do, in which nobody else is served meanwhile. `is_last`: nothing more is to come."""
    with contextlib.suppress(OSError):
        if not sock.is_gone and not (is_last and is_empty(sock)):
            util.close_graceful(sock, timeout=_LINGER_SECONDS)
    sock.close()


def is_empty(sock: socket.socket) -> bool:
    """Closed with something unread in it, it would take the answer back."""
    sock.settimeout(0.0)
    try:
        return not sock.recv(1)
    except BlockingIOError:
        return True


def has_data(sock: socket.socket, seconds: float) -> bool:
    """One call of the system, where gunicorn makes a selector for it."""
    try:
        asked = select.poll()
        asked.register(sock, select.POLLIN)
        return bool(asked.poll(1000 * seconds))
    except (OSError, ValueError):  # closed
        return False
