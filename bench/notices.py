"""How many kept mails a second are looked at for whom to tell, and how many letters made and sent: python -m bench.notices [--mails N] [--people N] [--sqlite].

The relay is a sink in a process of its own; what it takes of one who does nothing but speak SMTP is the ceiling beside it.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import pathlib
import resource
import smtplib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, text, update

from app.clock import stored_now
from app.extensions import db
from app.models import Notice, NoticeDue
from app.models.people import RoleRow, User
from app.services import notices
from app.services.insert import insert_entries
from app.services.job import Report
from app.services.notice_collect import collect
from app.services.notice_make import make
from app.services.notice_sending import Sender
from bench.bulk import rss_mb
from bench.server import KeptMariaDB
from tests.apps import close
from tests.databases import SqliteCopies, driver_url
from tests.databases import fill as deploy
from tests.make import make_entry
from tests.notices import telling_app
from tests.servers.process import answers, free_port, wait_for

_CHUNK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--sqlite", action="store_true", help="instead of MariaDB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _sink() as port, _app(pathlib.Path(name), port, given.sqlite) as app:
        began = time.monotonic()
        _fill(app, given.mails, given.people)
        print(f"{given.mails:,} mails to {given.people:,} people, put there in {time.monotonic() - began:.0f} s", flush=True)
        with app.app_context():
            report = Report()
            _timed("mails looked at", lambda: collect(report).mails)
            db.session.execute(update(NoticeDue).values(due_at=stored_now()))
            db.session.commit()
            made = _timed("letters made", lambda: make(report))
            sender = Sender(report, notices.write)
            sent = _timed("letters sent", lambda: _send_all(sender))
            sender.close()
            assert made == sent == given.people, (made, sent)
            _timed("bare steps, two updates of letters and a commit", lambda: _bare_steps(min(given.people, 5000)))
            _timed("bare inserts of as narrow rows, 500 a commit", lambda: _bare_inserts(min(given.mails, 100_000)))
        _timed("bare SMTP to the same sink", lambda: _bare(port, min(given.people, 5000)))


def _timed(what: str, work: Callable[[], int]) -> int:
    before, began = rss_mb(), time.monotonic()
    count = work()
    seconds = time.monotonic() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {count:,} in {seconds:.1f} s, {count / seconds:,.0f} a second; memory {before:.0f} MB before, {rss_mb():.0f} after, {most:.0f} at most",
        flush=True,
    )
    return count


def _send_all(sender: Sender) -> int:
    while sender.send(60.0):
        pass
    assert not sender.relay.why, sender.relay.why
    return sender.sent


def _bare_steps(count: int) -> int:
    """What at most once costs at least."""
    ids = db.session.scalars(select(Notice.id).limit(count)).all()
    db.session.rollback()
    with db.engine.execution_options(writes=True).connect() as connection:
        for place, number in enumerate(ids):
            with connection.begin():
                for each in (number, ids[place - 1]):
                    connection.execute(text("UPDATE notice SET answer = :words WHERE id = :id"), {"words": f"{number} {each}", "id": each})
    return len(ids)


def _bare_inserts(count: int) -> int:
    with db.engine.execution_options(writes=True).connect() as connection:
        with connection.begin():
            connection.execute(
                text("CREATE TABLE bare (mail_id BIGINT, owner VARCHAR(340), address VARCHAR(320), PRIMARY KEY (mail_id, owner))")
            )
        for low in range(0, count, 500):
            rows = [{"mail": low + n, "owner": f"user:{n}", "address": f"p{n}@example.com"} for n in range(500)]
            with connection.begin():
                connection.execute(text("INSERT INTO bare VALUES (:mail, :owner, :address)"), rows)
    return count


def _bare(port: int, count: int) -> int:
    message = b"Subject: x\r\n\r\n" + 10 * (b"x" * 78 + b"\r\n")
    with smtplib.SMTP("127.0.0.1", port) as session:
        for _ in range(count):
            session.sendmail("keep@example.com", ["bob@example.com"], message)
    return count


# --- what stands around it ------------------------------------------------------------------------------------------------------


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    is_text = False
    while line := await reader.readline():
        if is_text:
            is_text = line != b".\r\n"
            answer = b"" if is_text else b"250 taken\r\n"
        else:
            word = line[:4].upper()
            is_text = word == b"DATA"
            answer = {b"DATA": b"354 go on\r\n", b"EHLO": b"250-sink\r\n250 8BITMIME\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n")
        if answer:
            writer.write(answer)
            await writer.drain()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_take, "127.0.0.1", port)
    await server.serve_forever()


def _run_sink(port: int) -> None:
    asyncio.run(_serve(port))


@contextlib.contextmanager
def _sink() -> Iterator[int]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_run_sink, args=(port,), daemon=True)
    process.start()
    try:
        wait_for(lambda: answers(port), 20)
        yield port
    finally:
        process.kill()
        process.join()


@contextlib.contextmanager
def _app(folder: pathlib.Path, port: int, is_sqlite: bool) -> Iterator[Flask]:
    more: dict[str, Any] = {"NOTICE_TIMES": (("Recipient", "hourly"),), "NOTICE_RATE": 10_000_000}
    with contextlib.ExitStack() as stack:
        if is_sqlite:
            (folder / "template").mkdir()
            url = SqliteCopies(folder / "template").make(folder)
        else:
            folder.chmod(0o755)
            url = driver_url(stack.enter_context(contextlib.closing(_started(folder))).create("bench"))
            deploy(url, folder)
        app = telling_app(url, folder, f"smtp://127.0.0.1:{port}", **more)
        yield app
        close(app)


def _started(folder: pathlib.Path) -> KeptMariaDB:
    server = KeptMariaDB(folder / "server", "1G")
    server.start()
    return server


def _fill(app: Flask, mails: int, people: int) -> None:
    """Accounts of recipients, and mails that go round among them."""
    with app.app_context():
        role = db.session.scalar(select(RoleRow.id).where(RoleRow.name == "Recipient"))
        link = User.roles.property.secondary
        for low in range(0, people, _CHUNK):
            numbers = range(low, min(people, low + _CHUNK))
            rows = [{"id": 10 + n, "username": f"p{n}", "email": f"p{n}@example.com"} for n in numbers]
            rows = [row | {"first_name": "P", "last_name": "Q", "active": True} for row in rows]
            db.session.execute(insert(User), rows)
            db.session.execute(insert(link), [{"id": 10 + n, "user_id": 10 + n, "role_id": role} for n in numbers])
            db.session.commit()
        for low in range(0, mails, _CHUNK):
            entries = [
                make_entry(b"x", keep=True, recipients=(f"p{n % people}@example.com",)) for n in range(low, min(mails, low + _CHUNK))
            ]
            insert_entries(db.engine, entries, "mx1")


if __name__ == "__main__":
    main()
