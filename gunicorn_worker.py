"""gunicorn's threaded worker for a port that anybody may reach: who is slow, or silent, holds no thread for ever.

By itself gunicorn waits without end for the rest of a head or a body and for a reader of its answer, five seconds in a thread
for the first byte, and two seconds in its one main thread for whoever does not hang up.
"""

import contextlib
import errno
import queue
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from time import monotonic
from typing import Any

from gunicorn import util
from gunicorn.http.body import LengthReader
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


class Crew:
    """gunicorn's pool of threads without its futures: one for each request, and a call of the main thread, cost as much as reading it."""

    def __init__(self, most: int, serve: Callable[[gthread.TConn], None]) -> None:
        self._most, self._serve = most, serve
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[gthread.TConn | None] = queue.SimpleQueue()

    def take(self, conn: gthread.TConn) -> None:
        """In the main thread only."""
        if len(self._threads) < self._most and (self._waiting.qsize() or not self._threads):
            self._threads.append(threading.Thread(target=self._work, name=f"crew-{len(self._threads)}"))
            self._threads[-1].start()
        self._waiting.put(conn)

    def shutdown(self, wait: bool = False) -> None:  # noqa: ARG002 - gunicorn's call; Python waits for threads as it ends
        """What waits is served still."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while (conn := self._waiting.get()) is not None:
            self._serve(conn)


class BoundedWorker(gthread.ThreadWorker):
    def get_thread_pool(self) -> Crew:
        self.ended: deque[gthread.TConn] = deque()
        """Hung up already; the main thread has only to count them, and need not be woken for that."""
        return Crew(self.cfg.threads, self._serve)

    def enqueue_req(self, conn: gthread.TConn) -> None:
        sock = conn.sock
        if type(sock) is socket.socket:
            conn.sock = BoundedSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.tpool.take(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        self._count_ended()

    def _count_ended(self) -> None:
        while self.ended:
            self.ended.pop()
            self.nr_conns -= 1

    def _serve(self, conn: gthread.TConn) -> None:
        done: futures.Future[object] = futures.Future()
        try:
            goes_on = self.handle(conn)
            if not goes_on and isinstance(conn.sock, BoundedSocket):
                self._has_ended(conn)
                return
            done.set_result(goes_on)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            done.set_exception(error)
        self.method_queue.defer(self.finish_request, conn, done)

    def _has_ended(self, conn: gthread.TConn) -> None:
        self.ended.append(conn)
        if not (self.alive and self._accepting):  # else it looks at the next connection, or within a second
            self.method_queue.defer(self._count_ended)

    def handle(self, conn: gthread.TConn) -> object:
        if not conn.initialized and not conn.data_ready:
            if not _has_data(conn.sock, _FIRST_BYTE_SECONDS):
                return gthread._DEFER  # it waits on beside the others, without a thread
            conn.data_ready = True
        goes_on = super().handle(conn)
        if isinstance(conn.sock, BoundedSocket) and (conn.sock.is_gone or not goes_on):
            hang_up(conn.sock, _was_the_last(conn))
            return False
        return goes_on


def hang_up(sock: BoundedSocket, is_last: bool = False) -> None:
    """What the main thread would do, in which nobody else is served meanwhile. `is_last`: nothing more is to come."""
    with contextlib.suppress(OSError):
        if not sock.is_gone and not (is_last and _is_empty(sock)):
            util.close_graceful(sock, timeout=_LINGER_SECONDS)
    sock.close()


def _was_the_last(conn: gthread.TConn) -> bool:
    """The request was read to its end, and whoever sent it has said that no other follows."""
    request = getattr(conn.parser, "mesg", None)
    if request is None or not isinstance(request.body.reader, LengthReader):
        return False
    return not request.body.reader.length and bool(request.should_close())


def _is_empty(sock: BoundedSocket) -> bool:
    """Closed with something unread in it, it would take the answer back."""
    sock.settimeout(0.0)
    try:
        return not sock.recv(1)
    except BlockingIOError:
        return True


def _has_data(sock: socket.socket, seconds: float) -> bool:
    """One call of the system, where gunicorn makes a selector for it."""
    try:
        asked = select.poll()
        asked.register(sock, select.POLLIN)
        return bool(asked.poll(1000 * seconds))
    except (OSError, ValueError):  # closed
        return False
