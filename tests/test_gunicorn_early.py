"""What the server's one thread does: it reads what comes, waits for the rest of it, and lives whatever it is."""

import errno
import pathlib
import selectors
import socket
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.workers import gthread

import gunicorn_worker
from gunicorn_socket import BoundedSocket
from gunicorn_worker import BoundedWorker, OpenQueue, _is_plain_http


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
