"""Who is slow or silent holds no thread of the server for ever."""

import base64
import itertools
import pathlib
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn import util
from gunicorn.http.body import Body, LengthReader
from gunicorn.workers import gthread

import gunicorn_socket
import gunicorn_worker
from gunicorn_socket import BoundedSocket, hang_up
from gunicorn_worker import BoundedWorker, Crew, _was_the_last
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
