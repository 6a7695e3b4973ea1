"""make bench: how fast unchanged maps are answered beside a bare gunicorn GET, and a million entries imported, published and fetched.

Rounds are interleaved with the bare server's, because machines are noisy: read the ratio, and the median of the rounds.
"""

import argparse
import contextlib
import http.client
import multiprocessing
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any

from bench.load import run
from tests.apps import close, make_app
from tests.databases import driver_url
from tests.maps import change, make_map
from tests.servers.gunicorn import Mailkeep
from tests.servers.mariadb import MariaDB
from tests.servers.process import answers, free_port, wait_for

_BARE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return (b"ok\\n",)
"""
PATH = "/maps/spammers.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fetches", type=int, default=3000, help="a round")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", default=["mariadb", "sqlite"])
    chosen = parser.parse_args()
    with MariaDB() as mariadb:
        for database in chosen.databases:
            with tempfile.TemporaryDirectory() as folder:
                url = mariadb.create(f"b{uuid.uuid4().hex[:8]}") if database == "mariadb" else f"sqlite:///{folder}/mailkeep.db"
                print(f"\n{database}")
                bench(url, chosen)


def bench(url: str, chosen: argparse.Namespace) -> None:
    server = Mailkeep(url, LOG_LEVEL="ERROR", THREADS="32").prepare()
    try:
        app = make_app(driver_url(url), server.folder)
        make_map(app, "spammers", *(f"s{number}.example" for number in range(1000)))
        server.start()
        etag = ask(server.port)[1]
        rates(server.port, etag, chosen)
        a_million(app, server, chosen.entries)
        close(app)
    finally:
        server.close()


def rates(port: int, etag: str, chosen: argparse.Namespace) -> None:
    print(f"an unchanged map of 1,000 entries: median of {chosen.rounds} rounds of {chosen.fetches}, a bare GET in between")
    print("             c  fetches/s  of bare   p50 ms   p99 ms")
    with bare() as bare_port:
        for concurrency in chosen.concurrency:
            for name, method, tag in (("304", "GET", etag), ("304 HEAD", "HEAD", etag), ("200 HEAD", "HEAD", '"other"')):
                request = f"{method} {PATH} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n".encode()
                rows = [one_round(port, bare_port, request, concurrency, chosen.fetches) for _ in range(chosen.rounds)]
                rate, ratio, p50, p99 = (statistics.median(column) for column in zip(*rows, strict=True))
                print(f"{name:>10} {concurrency:3} {rate:10.0f} {ratio:8.0%} {p50:8.1f} {p99:8.1f}", flush=True)


def one_round(port: int, bare_port: int, request: bytes, concurrency: int, count: int) -> tuple[float, float, float, float]:
    plain = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ours = run(port, lambda: request, concurrency, count)
    other = run(bare_port, lambda: plain, concurrency, count)
    status = {answer.split()[0] for answer in ours.answers}
    if status - {"200", "304"}:
        print(f"  answers: {ours.answers}")
    return ours.rate, ours.rate / other.rate, ours.percentile(50), ours.percentile(99)


@contextlib.contextmanager
def bare() -> Iterator[int]:
    """A WSGI application that says ok, without any framework, under the same gunicorn."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "bare.py").write_text(_BARE)
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-k", "gthread", "-w", "2", "--threads", "32"]
        process = subprocess.Popen([*command, "--no-control-socket", "bare:app"], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: answers(port), 20)
            time.sleep(1)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def a_million(app: Any, server: Mailkeep, count: int) -> None:
    map_id = make_map(app, "million", kind="domain")
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    print(f"a map of {count:,} entries")
    measured("imported", _import, url, str(server.folder), map_id, count)
    measured("published by a process of its own", _publish, url, str(server.folder / "other"))
    started = time.perf_counter()
    status, etag, size = ask(server.port, "/maps/million.txt")
    print(f"  first fetch, made on the way      {time.perf_counter() - started:8.1f} s   {status}, {size / 1e6:.1f} MB")
    started = time.perf_counter()
    ask(server.port, "/maps/million.txt")
    print(f"  fetch of what is there            {time.perf_counter() - started:8.2f} s")
    change(app, map_id, puts=["another.example"])
    time.sleep(0.3)
    started, waits = time.perf_counter(), []
    while True:
        before = time.perf_counter()
        status, _, _ = ask(server.port, "/maps/million.txt", method="HEAD", tag=etag)
        waits.append(time.perf_counter() - before)
        if status == 200:
            break
        time.sleep(0.05)
    print(f"  one entry more, till it is served {time.perf_counter() - started:8.1f} s   longest wait of a request {max(waits):.2f} s")
    print(f"  highest memory of a worker        {server_memory(server):8.0f} MB")


def measured(name: str, work: Any, *arguments: Any) -> None:
    """In a process of its own, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_measure, args=(told, work, *arguments))
    process.start()
    seconds, before, after = told.get()
    process.join()
    print(f"  {name:33} {seconds:8.1f} s   {before:.0f} MB before, {after:.0f} MB at most", flush=True)


def _measure(told: Any, work: Any, *arguments: Any) -> None:
    prepared = work(*arguments)
    before = _peak()
    started = time.perf_counter()
    prepared()
    told.put((time.perf_counter() - started, before, _peak()))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def server_memory(server: Mailkeep) -> float:
    """Of its processes the one that ever had most."""
    assert server.process
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if int(fields["PPid"]) == server.process.pid:
                found.append(int(fields["VmHWM"].split()[0]) / 1024)
    return max(found)


def _import(url: str, folder: str, map_id: int, count: int) -> Any:
    from app.actor import SYSTEM
    from app.extensions import db
    from app.models import Map
    from app.queries.map_reach import MapReach
    from app.rspamd.map_kinds import MapKind
    from app.rspamd.map_lines import read_lines
    from app.services.map_import import Mode, import_lines

    app = make_app(url, pathlib.Path(folder))

    def work() -> None:
        with app.app_context():
            found = db.session.get(Map, map_id)
            assert found
            chunks = (f"s{number * 7919 % count}.number{number}.example\n".encode() for number in range(count))
            import_lines(MapReach(sees_all=True, edits_all=True), found, read_lines(MapKind.DOMAIN, "text", chunks), Mode.ADD, actor=SYSTEM)

    return work


def _publish(url: str, folder: str) -> Any:
    app = make_app(url, pathlib.Path(folder))
    return lambda: app.extensions["mailkeep_maps"].current("million")


def ask(port: int, path: str = PATH, method: str = "GET", tag: str = "") -> tuple[int, str, int]:
    """The status, the tag, and how much came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, headers={"If-None-Match": tag} if tag else {})
    answer = connection.getresponse()
    size = len(answer.read())
    connection.close()
    return answer.status, answer.headers.get("ETag") or "", size


if __name__ == "__main__":
    main()
