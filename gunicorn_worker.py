"""gunicorn's threaded worker for a port that anybody may reach: who is slow, or silent, holds no thread for ever.

By itself gunicorn waits without end for the rest of a head or a body and for a reader of its answer, five seconds in a thread
for the first byte, and two seconds in its one main thread for whoever does not hang up.

A mail that Rspamd posts has no thread at all: the main thread reads it (gunicorn_head.py), the intake's two make it safe, and the
main thread answers. A thread for each would mostly wait, and all of them for the interpreter.
"""

import contextlib
import errno
import functools
import os
import queue
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from time import monotonic, sleep
from typing import Any

from gunicorn import util
from gunicorn.http.body import LengthReader
from gunicorn.workers import gthread

from gunicorn_head import Early, Sight
from gunicorn_socket import BoundedSocket, hang_up, has_data, is_empty

_AT_ONCE = 16
"""Connections that are accepted before one is answered."""
_EARLY_BYTES = 32 << 20
"""Of all requests together whose senders nobody has looked at yet."""
_LOOK_SECONDS = 0.5
"""How often it is looked who is too slow."""
_REST_SECONDS = 0.05
_FIRST_BYTE_SECONDS = 0.1


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


class Post:
    """A mail that came, and waits to be answered: a Later of app/later.py (which is not to be imported before the fork)."""

    __slots__ = ("_give", "conn", "is_taken", "reply")

    def __init__(self, conn: gthread.TConn, give: Callable[["Post"], None]) -> None:
        self.conn, self._give = conn, give
        self.is_taken = False
        self.reply = b""

    def answer(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        fields = [f"HTTP/1.1 {status}", f"Date: {util.http_date()}", "Connection: close", *(f"{name}: {value}" for name, value in headers)]
        self.reply = "\r\n".join((*fields, "", "")).encode("latin-1", "replace") + body
        self._give(self)


class OpenQueue(gthread.PollableMethodQueue):
    """Stays open until the process has ended. Closed before, a thread that is late would write its byte into whatever file has that
    number by then."""

    def close(self) -> None:
        pass


class BoundedWorker(gthread.ThreadWorker):
    alive: bool

    def get_thread_pool(self) -> Crew:
        self.ended: deque[gthread.TConn] = deque()
        """Hung up already; the main thread has only to count them, and need not be woken for that."""
        self._early: dict[gthread.TConn, float] = {}
        """Of whom a part has come, and until when the rest is waited for."""
        self._early_bytes = 0
        self._next_look = 0.0
        self._answers: deque[Post] = deque()
        self._is_woken = False
        self._reads_early = False
        self.method_queue = OpenQueue()
        return Crew(self.cfg.threads, self._serve)

    def run(self) -> None:
        self._reads_early = _is_plain_http(self.cfg) and "mailkeep_ingest_door" in getattr(self.wsgi, "extensions", {})
        try:
            super().run()
        finally:
            self.tpool.shutdown()  # else its threads would keep a process that answers nobody

    def accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, address = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):  # gunicorn would end this thread, and so the process
                    sleep(_REST_SECONDS)
                elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                    raise
                return
            self.nr_conns += 1
            self.enqueue_req(gthread.TConn(self.cfg, sock, address, listener.getsockname()))
            if self.nr_conns >= self.worker_connections:
                return

    # --- a post, in the main thread ---------------------------------------------------------------------------------------

    def enqueue_req(self, conn: gthread.TConn) -> None:
        if self._reads_early and not conn.initialized:
            self._read_early(conn)
        else:
            self._give_a_thread(conn)

    def _read_early(self, conn: gthread.TConn) -> None:
        try:
            piece = conn.sock.recv(65536)
        except BlockingIOError:
            if conn in self._early:
                self._wait_for_more(conn, conn.early, 0)
            else:
                self._wait_for_first_byte(conn)
            return
        except OSError:
            piece = b""
        early = conn.__dict__.setdefault("early", Early(self.cfg.forwarder_headers))
        sight = early.add(piece) if piece else Sight.OTHER
        if sight is Sight.PART and self._early_bytes < _EARLY_BYTES:
            self._wait_for_more(conn, early, len(piece))
            return
        self._early.pop(conn, None)
        if not early.content:
            self.nr_conns -= 1
            conn.close()
        elif sight is not Sight.WHOLE or not self._take(conn, early):
            self._give_a_thread(conn)

    def _wait_for_first_byte(self, conn: gthread.TConn) -> None:
        conn.timeout = monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, functools.partial(self.on_pending_socket_readable, conn))

    def _wait_for_more(self, conn: gthread.TConn, early: Early, count: int) -> None:
        """As long as BoundedSocket would wait, and without a thread."""
        most = monotonic() + BoundedSocket.patience
        self._early[conn] = min(most, self._early.get(conn, most) + count / BoundedSocket.bytes_a_second)
        self._early_bytes += len(early.content)
        self.poller.register(conn.sock, selectors.EVENT_READ, functools.partial(self._on_more, conn))

    def _on_more(self, conn: gthread.TConn, _sock: socket.socket) -> None:
        self._wait_no_more(conn)
        self._read_early(conn)

    def _wait_no_more(self, conn: gthread.TConn) -> None:
        self.poller.unregister(conn.sock)
        self._early_bytes -= len(conn.early.content)

    def _end_slow(self) -> None:
        """They get a thread that reads no more of them, and may tell them so."""
        now = monotonic()
        if not self._early or now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        for conn in [conn for conn, until in self._early.items() if until <= now]:
            del self._early[conn]
            self._wait_no_more(conn)
            self._give_a_thread(conn, is_gone=True)

    def _take(self, conn: gthread.TConn, early: Early) -> bool:
        """Whatever is wrong with it: this thread goes on."""
        post = Post(conn, self._give_answer)
        address = conn.client[0] if isinstance(conn.client, tuple) else ""
        try:
            self.wsgi(early.environ() | {"REMOTE_ADDR": address, "mailkeep.later": post}, None)
        except Exception:
            self.log.exception("A post from %s could not be read at once", address)
        if post.is_taken:
            del conn.early
            self.nr += 1
            if self.nr >= self.max_requests and self.alive:
                self.log.info("Autorestarting worker after current request.")
                self.alive = False
        return post.is_taken

    def _give_answer(self, post: Post) -> None:
        """From any thread. The main thread is woken once for all that wait."""
        self._answers.append(post)
        if not self._is_woken:
            self._is_woken = True
            self.method_queue.defer(self._send_answers)

    def _send_answers(self) -> None:
        self._is_woken = False
        while self._answers:
            post = self._answers.popleft()
            with contextlib.suppress(OSError):
                if post.conn.sock.send(post.reply) != len(post.reply) or not is_empty(post.conn.sock):
                    post.conn.early = None
                    self._give_a_thread(post.conn)
                    continue
            self.nr_conns -= 1
            post.conn.sock.close()

    # --- all else, in a thread --------------------------------------------------------------------------------------------

    def _give_a_thread(self, conn: gthread.TConn, is_gone: bool = False) -> None:
        sock = conn.sock
        if type(sock) is socket.socket:
            conn.sock = BoundedSocket(sock.family, sock.type, sock.proto, fileno=sock.detach())
            conn.sock.is_gone = is_gone
        self.tpool.take(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(timeout)
        self._end_slow()
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
        if "early" in conn.__dict__:
            early = conn.__dict__.pop("early")
            if early is None:  # answered already
                hang_up(conn.sock)
                return False
            conn.init()
            conn.parser.unreader.unread(early.content)
        elif not conn.initialized and not conn.data_ready:
            if not has_data(conn.sock, _FIRST_BYTE_SECONDS):
                return gthread._DEFER  # it waits on beside the others, without a thread
            conn.data_ready = True
        goes_on = super().handle(conn)
        if isinstance(conn.sock, BoundedSocket) and (conn.sock.is_gone or not goes_on):
            hang_up(conn.sock, _was_the_last(conn))
            return False
        return goes_on


def _is_plain_http(cfg: Any) -> bool:
    """Nothing else has to look at a request's bytes, and nobody writes down each request."""
    has_more = cfg.is_ssl or cfg.proxy_protocol != "off" or cfg.http_protocols != ["h1"] or cfg.http2_cleartext != "off"
    return not (has_more or cfg.accesslog or cfg.statsd_host or os.environ.get("SCRIPT_NAME"))


def _was_the_last(conn: gthread.TConn) -> bool:
    """The request was read to its end, and whoever sent it has said that no other follows."""
    request = getattr(conn.parser, "mesg", None)
    if request is None or not isinstance(request.body.reader, LengthReader):
        return False
    return not request.body.reader.length and bool(request.should_close())
