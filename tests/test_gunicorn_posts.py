"""Posts of mails hold no thread of the server: the real one, with two threads, and a database that does not answer."""

import pathlib
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.load import post
from bench.mails import Poster
from tests.servers.gunicorn import Mailkeep
from tests.servers.process import wait_for

_WAITING = 40


@contextmanager
def running(folder: pathlib.Path) -> Iterator[Mailkeep]:
    """One process with two threads, whose node has posted before."""
    found = Mailkeep(f"sqlite:///{folder}/mailkeep.db", WORKERS=1, THREADS=2, DB_PATIENCE_SECONDS=2).prepare()
    try:
        found.start()
        assert post(found.port, request()).startswith("200")
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailkeep]:
    with running(tmp_path_factory.mktemp("posts")) as found:
        yield found


def request(size: int = 3000) -> bytes:
    return Poster(size, "mx1", "rspamd:secret").request()


@contextmanager
def silent_database(server: Mailkeep) -> Iterator[None]:
    connection = sqlite3.connect(server.settings["DATABASE_URL"].removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def waiting(server: Mailkeep, count: int) -> Iterator[list[str]]:
    """So many that post and wait; their answers, all of them at the end."""
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(post(server.port, request()))) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield answers
    for thread in threads:
        thread.join(30)


def spooled(server: Mailkeep) -> int:
    """Bytes that are safe."""
    return sum(path.stat().st_size for path in (server.folder / "spool").glob("*/*.seg"))


def test_pages_are_served_while_many_mails_wait_for_the_database(server: Mailkeep) -> None:
    before = spooled(server)
    with silent_database(server), waiting(server, _WAITING) as answers:
        wait_for(lambda: spooled(server) > before, 10)
        assert server.get("/healthz")[0] == 200
        assert not answers  # with a thread for each, the page would have come after them
        wait_for(lambda: len(answers) == _WAITING, 30)
    assert set(answers) == {"200 spooled"}


def test_who_waits_is_answered_before_the_process_ends(tmp_path: pathlib.Path) -> None:
    with running(tmp_path) as server:
        before = spooled(server)
        with silent_database(server), waiting(server, 10) as answers:
            wait_for(lambda: spooled(server) > before, 10)
            time.sleep(0.2)  # what has come is read by now
            assert server.process
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: len(answers) == 10, 20)
        assert set(answers) == {"200 spooled"}
        assert server.process.wait(20) == 0
        assert "Traceback" not in server.output()


@pytest.mark.parametrize("pause", [0.02, 1.3])
def test_a_mail_may_come_in_pieces(server: Mailkeep, pause: float) -> None:
    content = request()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
        caller.sendall(content[:2000])
        time.sleep(pause)
        caller.sendall(content[2000:])
        assert caller.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_mail_and_one_on_a_connection_that_stays_are_taken_too(server: Mailkeep) -> None:
    assert post(server.port, request(600_000)).startswith("200 ")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller, caller.makefile("rb") as answers:
        for _ in range(2):
            caller.sendall(request().replace(b"Connection: close\r\n", b""))
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            fields = dict(line.split(b": ") for line in iter(answers.readline, b"\r\n"))
            assert answers.read(int(fields[b"Content-Length"])).split()[0] in (b"committed", b"spooled")


def test_an_answer_arrives_where_more_was_sent_than_a_mail(server: Mailkeep) -> None:
    with silent_database(server), socket.create_connection(("127.0.0.1", server.port), timeout=20) as caller:
        caller.sendall(request())
        time.sleep(0.2)
        caller.sendall(b"\r\nand a line more")
        caller.shutdown(socket.SHUT_WR)
        assert b"spooled" in caller.makefile("rb").read()


def test_who_hangs_up_or_never_ends_disturbs_nobody(server: Mailkeep) -> None:
    halves = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(30)]
    head, _, body = request(200_000).partition(b"\r\n\r\n")
    for number, half in enumerate(halves):
        half.sendall((head + b"\r\n\r\n" + body[: len(body) // 2], head[:100], b"")[number % 3])
    assert post(server.port, request()).startswith("200 ")
    for half in halves[:15]:
        half.close()
    assert post(server.port, request()).startswith("200 ")
    assert server.get("/healthz")[0] == 200
    for half in halves[15:]:
        half.close()
    with silent_database(server):
        gone = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        gone.sendall(request())
        gone.close()  # its mail is safe all the same
    wait_for(lambda: post(server.port, request()) == "200 committed", 20)
    assert "Traceback" not in server.output()
