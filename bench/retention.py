"""How many old mails go a second while mails come in, and how long those wait with it and without: python -m bench.retention [MAILS] [--mariadb]."""

import argparse
import contextlib
import dataclasses
import pathlib
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.ids import id_at
from app.services import retention
from app.services.insert import insert_entries
from tests.apps import close, make_app
from tests.databases import SqliteCopies, driver_url
from tests.databases import fill as deploy
from tests.make import make_entry
from tests.retention import Told
from tests.servers.mariadb import MariaDB

_SECONDS = 15.0
_DAYS = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mails", type=int, nargs="?", default=50_000)
    parser.add_argument("--mariadb", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _app(pathlib.Path(name), options.mariadb) as app:
        _fill(app, options.mails)
        waits: list[float] = []
        with _ingest(app, waits):
            time.sleep(_SECONDS)
        _tell("without", waits)
        waits = []
        with _ingest(app, waits), app.app_context():
            began = time.monotonic()
            retention.run(Told())
            seconds = time.monotonic() - began
        _tell("with it", waits)
        print(f"{options.mails} mails went in {seconds:.1f} s: {options.mails / seconds:.0f} a second")


@contextlib.contextmanager
def _app(folder: pathlib.Path, is_mariadb: bool) -> Iterator[Flask]:
    with contextlib.ExitStack() as stack:
        if is_mariadb:
            url = stack.enter_context(MariaDB()).create("bench")
            deploy(url, folder)
            app = make_app(driver_url(url), folder)
        else:
            (folder / "template").mkdir()
            app = make_app(SqliteCopies(folder / "template").make(folder), folder)
        yield app
        close(app)


def _fill(app: Flask, mails: int) -> None:
    """So many that are old enough to go, half of them with a copy; and as many that stay."""
    now = utcnow()
    with app.app_context():
        for start in range(0, 2 * mails, 500):
            entries = []
            for number in range(start, start + 500):
                at = now - timedelta(days=_DAYS if number < mails else 20) + timedelta(seconds=number / 10)
                entries.append(dataclasses.replace(make_entry(keep=number % 2 == 0), id=id_at(at, 1, number)))
            insert_entries(db.engine, entries, "mx1")


@contextlib.contextmanager
def _ingest(app: Flask, waits: list[float]) -> Iterator[None]:
    ended = threading.Event()

    def send() -> None:
        with app.app_context():
            while not ended.is_set():
                entry = make_entry()
                began = time.monotonic()
                insert_entries(db.engine, [entry], "mx1")
                waits.append(time.monotonic() - began)
                time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tell(what: str, waits: list[float]) -> None:
    slow = statistics.quantiles(waits, n=100)
    print(
        f"{what}: {len(waits)} mails came in, half within {1000 * slow[49]:.1f} ms, 99 % within {1000 * slow[98]:.0f} ms, at most {1000 * max(waits):.0f} ms"
    )


if __name__ == "__main__":
    main()
