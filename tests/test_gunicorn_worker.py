"""Who is slow or silent holds no thread of the server for ever."""

import base64
import errno
import itertools
import pathlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn import util
from gunicorn.http.body import Body, LengthReader
from gunicorn.workers import gthread

import gunicorn_socket
import gunicorn_worker
from gunicorn_socket import BoundedSocket, hang_up
from gunicorn_worker import BoundedWorker, Crew, OpenQueue, _is_plain_http, _was_the_last
from tests.servers.gunicorn import ROOT, Mailkeep

Pair = tuple[BoundedSocket, socket.socket]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Our end, as where a request begins, and the caller's."""
    monkeypatch.setattr(BoundedSocket, "patience", 0.05)
    ours, caller = socket.socketpair()
    with caller, BoundedSocket(fileno=ours.detach()) as bounded:
        bounded.setblocking(True)
        yield bounded, caller


def pass_seconds(monkeypatch: pytest.MonkeyPatch, each: float) -> None:
    """That many for each look at the clock: a call looks twice."""
    monkeypatch.setattr(BoundedSocket, "patience", 10.0)
    clock = itertools.count(0.0, each)
    monkeypatch.setattr(gunicorn_socket, "monotonic", lambda: next(clock))


def test_silence_is_an_end(pair: Pair) -> None:
    ours, caller = pair
    assert ours.recv(10) == b""
    caller.sendall(b"too late")
    assert ours.recv(10) == b""  # else it would be taken for the next request


def test_a_trickle_is_an_end(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, caller = pair
    pass_seconds(monkeypatch, 3.0)
    ours.setblocking(True)
    caller.sendall(b"GET / HTTP/1.1")
    assert b"".join(iter(lambda: ours.recv(1), b"")) == b"GET "
    ours.is_gone = False
    ours.setblocking(True)  # another request has its own time
    assert ours.recv(1) == b"/"


def test_what_comes_steadily_may_take_long(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, caller = pair
    pass_seconds(monkeypatch, 3.0)
    ours.setblocking(True)
    for _ in range(20):
        caller.sendall(b"x" * 50_000)
        assert len(ours.recv(50_000)) == 50_000


def test_a_shorter_time_out_of_gunicorns_own_stays_one(pair: Pair) -> None:
    ours, caller = pair
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(10)
    caller.sendall(b"still there")
    assert ours.recv(20) == b"still there"


def test_an_answer_nobody_reads_is_given_up(pair: Pair) -> None:
    with pytest.raises(ConnectionResetError):
        pair[0].sendall(b"x" * 10_000_000)


def test_a_large_answer_arrives_whole(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, caller = pair
    monkeypatch.setattr(BoundedSocket, "patience", 10.0)
    ours.setblocking(True)
    answer, received = bytes(range(256)) * 20_000, bytearray()
    reader = threading.Thread(target=lambda: received.extend(b"".join(iter(lambda: caller.recv(65536), b""))))
    reader.start()
    ours.sendall(answer)
    ours.shutdown(socket.SHUT_WR)
    reader.join(10)
    assert received == answer


def test_who_does_not_hang_up_is_waited_for_a_moment(pair: Pair) -> None:
    ours, caller = pair
    hang_up(ours)
    assert caller.recv(10) == b""
    assert ours.fileno() == -1


def test_nobody_is_waited_for_who_sends_no_more(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    lingered: list[object] = []
    monkeypatch.setattr(util, "close_graceful", lambda *_args, **_named: lingered.append(_args))
    ours, caller = pair
    hang_up(ours, is_last=True)
    assert caller.recv(10) == b""
    assert not lingered


def test_an_answer_arrives_where_more_was_sent_than_was_read() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as caller:
        accepted = listener.accept()[0]
        ours = BoundedSocket(fileno=accepted.detach())
        ours.setblocking(True)
        ours.sendall(b"answer")
        caller.sendall(b"and a line more\r\n")
        ours.settimeout(5.0)
        assert ours.recv(1, socket.MSG_PEEK)  # it is there
        closing = threading.Thread(target=hang_up, args=(ours, True))
        closing.start()
        assert caller.makefile("rb").read() == b"answer"
        caller.shutdown(socket.SHUT_WR)
        closing.join(10)


@pytest.mark.parametrize(("length", "says_close", "is_last"), [(0, True, True), (3, True, False), (0, False, False)])
def test_a_request_is_the_last_that_says_so_and_was_read(length: int, says_close: bool, is_last: bool) -> None:
    request = SimpleNamespace(body=Body(LengthReader(None, length)), should_close=lambda: says_close)
    assert _was_the_last(SimpleNamespace(parser=SimpleNamespace(mesg=request))) is is_last
    assert not _was_the_last(SimpleNamespace(parser=SimpleNamespace(mesg=None)))
    assert not _was_the_last(SimpleNamespace(parser=None))


def test_a_connection_without_a_byte_gives_its_thread_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunicorn_worker, "_FIRST_BYTE_SECONDS", 0.01)
    ours, caller = socket.socketpair()
    with ours, caller:
        conn = gthread.TConn(None, ours, ("", 0), ("", 0))
        assert BoundedWorker.handle(object.__new__(BoundedWorker), conn) is gthread._DEFER
        assert not conn.data_ready


def test_a_crew_grows_as_it_is_needed_and_serves_what_waits_at_its_end() -> None:
    served: list[object] = []
    start, names = threading.Event(), set()

    def serve(conn: object) -> None:
        start.wait(10)
        names.add(threading.current_thread().name)
        served.append(conn)

    crew = Crew(3, serve)
    for number in range(20):
        crew.take(number)
    crew.shutdown()
    start.set()
    for thread in crew._threads:
        thread.join(10)
    assert sorted(served) == list(range(20))
    assert 1 <= len(names) <= len(crew._threads) <= 3


class ImpatientMailkeep(Mailkeep):
    def command(self) -> list[str]:
        settings = self.folder / "gunicorn.conf.py"
        lines = ("import runpy", "from gunicorn_socket import BoundedSocket", "BoundedSocket.patience = 0.5")
        settings.write_text("\n".join((*lines, f"globals().update(runpy.run_path({str(ROOT / 'gunicorn.conf.py')!r}))")))
        return [str(settings) if word.endswith("gunicorn.conf.py") else word for word in super().command()]


def test_half_requests_stop_nobody(tmp_path: pathlib.Path) -> None:
    server = ImpatientMailkeep(f"sqlite:///{tmp_path}/mailkeep.db", WORKERS=1, THREADS=2).prepare()
    user = base64.b64encode(b"rspamd:secret").decode()
    body = f"POST /ingest/mx1 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\nContent-Length: 1000\r\n\r\nhalf"
    try:
        server.start()
        for half, answer in (("GET / HTTP/1.1\r\n", b""), (body, b"the body ended after 4 of 1000 bytes")):
            callers = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(4)]
            for caller in callers:
                caller.sendall(half.encode())
            assert server.get("/healthz")[0] == 200
            for caller in callers:
                with caller:
                    assert answer in caller.makefile("rb").read()
        assert "Traceback" not in server.output()
    finally:
        server.close()


@pytest.fixture
def worker() -> Iterator[tuple[BoundedWorker, list[object]]]:
    """Its main thread's part, and whom it has given a thread."""
    found, given = object.__new__(BoundedWorker), []
    found.cfg = SimpleNamespace(threads=2, forwarder_headers=[], keepalive=5)
    found.get_thread_pool()
    found.tpool = SimpleNamespace(take=given.append)
    found.pending_conns, found.nr_conns, found.poller = deque(), 1, selectors.DefaultSelector()
    yield found, given
    found.poller.close()
    while _pairs:
        conn, caller = _pairs.pop()
        conn.sock.close()
        caller.close()


_pairs: list[tuple[gthread.TConn, socket.socket]] = []


def connection() -> tuple[gthread.TConn, socket.socket]:
    """Until the worker ends."""
    ours, caller = socket.socketpair()
    _pairs.append((gthread.TConn(None, ours, ("127.0.0.1", 1), ("127.0.0.1", 80)), caller))
    return _pairs[-1]


def test_what_comes_in_pieces_is_waited_for_for_a_while(
    worker: tuple[BoundedWorker, list[gthread.TConn]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, given = worker
    now = [100.0]
    monkeypatch.setattr(gunicorn_worker, "monotonic", lambda: now[0])
    conn, caller = connection()
    ours._read_early(conn)
    assert list(ours.pending_conns) == [conn]
    ours.poller.unregister(conn.sock)
    for piece, until in ((b"POST /ingest/mx1 HT", 110.0), (b"TP/1.1\r\nHost: x\r\n", 110.0 + 17 / BoundedSocket.bytes_a_second)):
        caller.sendall(piece)
        ours._read_early(conn)
        ours._end_slow()
        assert ours._early == {conn: until}  # it grows as bytes come through, and no faster
        assert not given
        ours._wait_no_more(conn)
        now[0] += 4
    ours._read_early(conn)  # woken for nothing
    assert ours._early_bytes == 36
    now[0] += 3
    ours._end_slow()
    assert ([each.sock.is_gone for each in given], ours._early, ours._early_bytes) == ([True], {}, 0)
    assert conn.early.content == b"POST /ingest/mx1 HTTP/1.1\r\nHost: x\r\n"
    assert not ours.poller.get_map()


def test_no_more_is_kept_in_memory_of_those_nobody_knows_than_so_much(
    worker: tuple[BoundedWorker, list[gthread.TConn]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, given = worker
    monkeypatch.setattr(gunicorn_worker, "_EARLY_BYTES", 15)
    pairs = [connection() for _ in range(3)]
    for conn, caller in pairs:
        caller.sendall(b"POST /ingest")
        ours._read_early(conn)
    assert (list(ours._early), given) == ([pairs[0][0], pairs[1][0]], [pairs[2][0]])


def test_a_post_that_cannot_even_be_looked_at_gets_a_thread(worker: tuple[BoundedWorker, list[object]]) -> None:
    ours, given = worker
    told: list[str] = []

    def broken(*_: object) -> None:
        raise RuntimeError

    ours.wsgi, ours.log = broken, SimpleNamespace(exception=lambda line, *_: told.append(line))
    conn, caller = connection()
    caller.sendall(b"POST /ingest/mx1 HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
    ours._read_early(conn)
    assert (given, len(told)) == ([conn], 1)
    assert conn.early.content.endswith(b"x")


def test_who_says_nothing_and_hangs_up_is_forgotten(worker: tuple[BoundedWorker, list[object]]) -> None:
    ours, given = worker
    conn, caller = connection()
    caller.close()
    ours._read_early(conn)
    assert (ours.nr_conns, given, conn.sock.fileno()) == (0, [], -1)


def test_a_thread_that_is_late_writes_into_nobodys_file(tmp_path: pathlib.Path) -> None:
    queue = OpenQueue()
    queue.init()
    queue.close()
    with (tmp_path / "a").open("wb"), (tmp_path / "b").open("wb"):  # they get the lowest numbers that are free
        queue.defer(print)
    assert not (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes()
    gthread.PollableMethodQueue.close(queue)


def test_a_process_that_has_served_its_number_ends(worker: tuple[BoundedWorker, list[object]]) -> None:
    ours, _given = worker
    ours.log, ours.nr, ours.max_requests, ours.alive = SimpleNamespace(info=lambda *_: None), 0, 2, True
    ours.wsgi = lambda environ, _start: setattr(environ["mailkeep.later"], "is_taken", True)
    for is_alive in (True, False):
        conn, caller = connection()
        caller.sendall(b"POST /ingest/mx1 HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
        ours._read_early(conn)
        assert ours.alive is is_alive


def test_a_system_without_files_left_is_waited_for(worker: tuple[BoundedWorker, list[object]]) -> None:
    ours, _given = worker
    ours.worker_connections = 10

    def accept() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    ours.accept(SimpleNamespace(accept=accept))
    assert ours.nr_conns == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("accesslog", "-"), ("statsd_host", "x:1"), ("is_ssl", True), ("proxy_protocol", "auto"), ("http_protocols", ["h1", "h2"])],
)
def test_where_something_else_looks_at_each_request_posts_have_threads(name: str, value: object) -> None:
    plain = {
        "is_ssl": False,
        "proxy_protocol": "off",
        "http_protocols": ["h1"],
        "http2_cleartext": "off",
        "accesslog": None,
        "statsd_host": None,
    }
    assert _is_plain_http(SimpleNamespace(**plain))
    assert not _is_plain_http(SimpleNamespace(**plain | {name: value}))
