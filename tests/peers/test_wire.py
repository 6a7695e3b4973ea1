"""One request to a node that may be anything: it ends in time, holds no more than it may, and is told why."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.peers import wire
from app.peers.wire import Away, Place, Untrusted, ask, is_loopback

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[Place]:
    """A server that reads a request and says whatever it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    answer(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Place(f"http://127.0.0.1:{server.getsockname()[1]}/below")
        thread.join(5)


def said(place: Place, most: int = 1000) -> bytes:
    return ask(place, "GET", "/x", {}, b"", most).body


def drip(pieces: bytes, stopped: threading.Event) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(HEAD + pieces)
        while not stopped.wait(0.05):
            connection.sendall(b"x")

    return answer


@pytest.mark.parametrize("begins", [b"X-Long: ", b"Content-Length: 900\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n500\r\n"])
def test_a_drip_of_bytes_is_cut(monkeypatch: pytest.MonkeyPatch, begins: bytes) -> None:
    monkeypatch.setattr(wire, "FIRST_BYTE_SECONDS", 0.5)
    monkeypatch.setattr(wire, "BYTES_A_SECOND", 1 << 20)
    stopped = threading.Event()
    with answering(drip(begins, stopped)) as place:
        with pytest.raises(Away, match="did not answer in time"):
            said(place)
        stopped.set()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (b"", "closed connection"),
        (b"garbage\r\n\r\n", "garbage"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "headers"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000, "line"),
        (HEAD + b"Content-Length: 5000\r\n\r\n", "more than 1000 bytes"),
        (HEAD + b"\r\n" + b"x" * 2000, "more than 1000 bytes"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2000, "more than 1000 bytes"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Incomplete"),
        (HEAD + b"Content-Length: 900\r\n\r\nshort", "broke off"),
        (HEAD + b"Content-Length: -5\r\n\r\n" + b"x" * 2000, "more than 1000 bytes"),
    ],
)
def test_what_is_no_answer_is_none(told: bytes, says: str) -> None:
    with answering(lambda connection: connection.sendall(told)) as place, pytest.raises(Away, match=says):
        said(place)


def test_an_answer_leads_nowhere_else() -> None:
    with answering(
        lambda connection: connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n")
    ) as place:
        assert ask(place, "GET", "/x", {}, b"", 1000).status == 302


@pytest.mark.parametrize("url", ["http://192.0.2.1:8080", "http://127.evil.example", "http://localhost.example", "http://10.0.0.1"])
def test_nothing_is_sent_in_the_clear_to_another_host(url: str) -> None:
    with pytest.raises(Untrusted, match="in the clear"):
        said(Place(url))


def test_what_is_loopback() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:10.0.0.1", "0.0.0.0")] == [True] * 4 + [
        False
    ] * 2


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example", "xn--a.invalid"])
def test_a_name_that_there_is_not_is_said(host: str) -> None:
    with pytest.raises(Away):
        said(Place(f"https://{host}"))


def test_what_speaks_no_tls_is_said() -> None:
    with answering(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as place, pytest.raises(Away):
        said(Place(place.url.replace("http://", "https://")))
