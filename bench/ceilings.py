"""What this machine can do at best, measured in the same run: without it, mails a second say nothing."""

import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from bench.load import run
from bench.mails import Poster
from tests.servers.mariadb import MariaDB
from tests.servers.process import answers, free_port, wait_for

_BARE = """
from flask import Flask, request
app = Flask(__name__)
@app.post("/ingest/<node>")
def take(node):
    return f"ok {len(request.get_data())}"
"""
_COLUMNS = "id BIGINT PRIMARY KEY, " + ", ".join(f"c{n} VARCHAR(64)" for n in range(20)) + ", t1 TEXT, t2 TEXT"


def bare_post(size: int, concurrency: int, count: int) -> tuple[float, float]:
    """(posts a second, CPU ms a post) of a Flask view that only reads the body, under the same gunicorn."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "bare.py").write_text(_BARE)
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-b",
            f"127.0.0.1:{port}",
            "-k",
            "gthread",
            "-w",
            "2",
            "--threads",
            "32",
            "--no-control-socket",
        ]
        process = subprocess.Popen([*command, "--limit-request-field_size", "1048576", "bare:app"], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: answers(port), 20)
            time.sleep(1)
            make = Poster(size, "mx1", "rspamd:secret").request
            run(port, make, concurrency, 200)
            before = cpu_of(process.pid)
            load = run(port, make, concurrency, count)
            return load.rate, 1000 * (cpu_of(process.pid) - before) / count
        finally:
            process.terminate()
            process.wait(20)


def files(size: int, count: int, threads: int = 8) -> float:
    """Files of that size written, flushed and renamed a second."""
    content = os.urandom(size)
    with tempfile.TemporaryDirectory() as folder:

        def work(start: int) -> None:
            for number in range(start, count, threads):
                path = f"{folder}/{number}"
                descriptor = os.open(path + ".t", os.O_WRONLY | os.O_CREAT)
                os.write(descriptor, content)
                os.fsync(descriptor)
                os.close(descriptor)
                os.rename(path + ".t", path)  # noqa: PTH104 - the bare call is what is measured

        return count / _timed(lambda: _in_threads(work, threads))


def appends(size: int, count: int, batch: int) -> float:
    """Mails of that size appended to one file a second, one flush a batch."""
    content = os.urandom(size)
    with tempfile.NamedTemporaryFile() as file:

        def work() -> None:
            for _ in range(count // batch):
                for _ in range(batch):
                    os.write(file.fileno(), content)
                os.fdatasync(file.fileno())

        return count / _timed(work)


def flushes(size: int, seconds: float) -> list[float]:
    """How long each of 150 flushes a second took, by three (our two processes and the database), in ms: what a mail waits for whatever we do."""
    content, took = os.urandom(size), []

    def work(_number: int) -> None:
        with tempfile.NamedTemporaryFile() as file:
            began = time.perf_counter()
            for number in range(int(50 * seconds)):
                time.sleep(max(0.0, began + number / 50 - time.perf_counter()))
                before = time.perf_counter()
                os.write(file.fileno(), content)
                os.fdatasync(file.fileno())
                took.append(1000 * (time.perf_counter() - before))

    _in_threads(work, 3)
    return took


def sqlite_rows(count: int, batch: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(f"{folder}/x.db", isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", f"CREATE TABLE x ({_COLUMNS})"):
            connection.execute(statement)
        marks = ",".join("?" * 23)

        def work() -> None:
            for start in range(0, count, batch):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(f"INSERT INTO x VALUES ({marks})", [_row(number) for number in range(start, start + batch)])
                connection.execute("COMMIT")

        return count / _timed(work)


def mariadb_rows(server: MariaDB, count: int, batch: int) -> float:
    import MySQLdb

    server.sql("DROP DATABASE IF EXISTS ceiling")
    server.create("ceiling")
    connection = MySQLdb.connect(host="127.0.0.1", port=server.port, user="mailkeep", password="mailkeep", database="ceiling")
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE x ({_COLUMNS})")
    marks = ",".join(["%s"] * 23)

    def work() -> None:
        for start in range(0, count, batch):
            cursor.executemany(f"INSERT INTO x VALUES ({marks})", [_row(number) for number in range(start, start + batch)])
            connection.commit()

    rate = count / _timed(work)
    connection.close()
    return rate


def _row(number: int) -> tuple[object, ...]:
    return (number, *(f"value {number}" for _ in range(20)), "h" * 1000, "s" * 2500)


def _timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _in_threads(work, threads: int) -> None:
    started = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def cpu_of(pid: int) -> float:
    """Processor seconds of a process and all its children."""
    total = 0.0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == pid or int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total
