"""gunicorn's threaded worker for a port that anybody may reach: who is slow, or silent, holds no thread for ever.

By itself gunicorn waits without end for the rest of a head or a body and for a reader of its answer, five seconds in a thread
for the first byte, and two seconds in its one main thread for whoever does not hang up.
"""

import contextlib
import errno
import socket
from time import monotonic
from typing import Any

from gunicorn import util
from gunicorn.workers import gthread

_FIRST_BYTE_SECONDS = 0.1
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


class BoundedWorker(gthread.ThreadWorker):
    def enqueue_req(self, conn: gthread.TConn) -> None:
        if type(conn.sock) is socket.socket:
            conn.sock = BoundedSocket(fileno=conn.sock.detach())
        super().enqueue_req(conn)

    def handle(self, conn: gthread.TConn) -> object:
        if not conn.initialized and not conn.wait_for_data(_FIRST_BYTE_SECONDS):
            return gthread._DEFER  # it waits on beside the others, without a thread
        goes_on = super().handle(conn)
        if isinstance(conn.sock, BoundedSocket) and (conn.sock.is_gone or not goes_on):
            hang_up(conn.sock)
            return False
        return goes_on


def hang_up(sock: BoundedSocket) -> None:
    """What the main thread would do, in which nobody else is served meanwhile; it finds nothing to wait for then."""
    with contextlib.suppress(OSError):
        if not sock.is_gone:
            util.close_graceful(sock.dup(), timeout=_LINGER_SECONDS)
        sock.shutdown(socket.SHUT_RDWR)
