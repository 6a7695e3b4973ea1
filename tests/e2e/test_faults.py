"""Under load the database and our own processes are killed; every mail that got a 200 is there once, with its copy."""

import pathlib
import threading
import time
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, func, select

from app.models import Mail, MailDetail, MailRecipient
from app.storage import store_for
from app.storage.local import digest_of
from bench.load import post
from bench.mails import Poster
from tests.databases import driver_url
from tests.servers.gunicorn import Mailkeep
from tests.servers.mariadb import MariaDB
from tests.servers.process import wait_for

COUNT = 2000


@pytest.fixture
def own_mariadb() -> Iterator[MariaDB]:
    server = MariaDB()
    server.start()
    yield server
    server.close()


class Load:
    """Eight senders; remembers the digest of each mail that got a 200."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.accepted, self.refused = port, [], 0
        self._poster, self._left, self._lock = Poster(4000, "mx1", "rspamd:secret"), iter(range(count)), threading.Lock()
        self._threads = [threading.Thread(target=self._work) for _ in range(8)]

    def _work(self) -> None:
        while True:
            with self._lock:
                if next(self._left, None) is None:
                    return
                request = self._poster.request()
            try:
                answer = post(self.port, request)
            except OSError:
                answer = ""
            with self._lock:
                if answer.startswith("200"):
                    self.accepted.append(digest_of(request.partition(b"\r\n\r\n")[2]))
                else:
                    self.refused += 1
            if not answer:
                time.sleep(0.02)  # nobody listens just now

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_until(self, accepted: int) -> None:
        wait_for(lambda: len(self.accepted) >= accepted or not self.alive(), 120)

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(180)


def test_no_accepted_mail_is_lost_or_doubled(own_mariadb: MariaDB, tmp_path: pathlib.Path) -> None:
    server = Mailkeep(own_mariadb.create(f"f{uuid.uuid4().hex[:8]}"), LOG_LEVEL="ERROR").prepare()
    server.start()
    load = Load(server.port, COUNT)
    try:
        load.start()
        load.wait_until(COUNT // 6)
        own_mariadb.kill()
        load.wait_until(COUNT // 3)
        own_mariadb.start()
        load.wait_until(COUNT // 2)
        server.kill()  # SIGKILL to master and workers at once
        server.start()
        load.wait_until(COUNT * 2 // 3)
        own_mariadb.kill()
        server.kill()  # the spool is not empty, and the next life begins without a database
        server.start()
        load.wait_until(COUNT * 5 // 6)
        own_mariadb.start()
        load.join()
        check(server, load, driver_url(server.settings["DATABASE_URL"]), COUNT)
    finally:
        server.close()


def check(server: Mailkeep, load: Load, url: str, count: int) -> None:
    engine = create_engine(url)

    def missing() -> set[str]:
        """Not a number of rows: mails that were safe, but whose sender was cut off before the answer, are rows too."""
        with engine.connect() as connection:
            return set(load.accepted) - set(connection.execute(select(Mail.__table__.c.copy_digest)).scalars())

    wait_for(lambda: not missing(), 60, lambda: f"accepted, and not there: {missing()}\n{server.output()}")
    with engine.connect() as connection:
        digests = list(connection.execute(select(Mail.__table__.c.copy_digest)).scalars())
        details = connection.execute(select(func.count()).select_from(MailDetail)).scalar_one()
        recipients = connection.execute(select(func.count()).select_from(MailRecipient)).scalar_one()
    engine.dispose()
    assert len(load.accepted) > count // 2
    assert set(load.accepted) <= set(digests)
    assert len(digests) == len(set(digests)), "a mail is there twice"
    assert (details, recipients) == (len(digests), len(digests))
    store = store_for(server.settings["STORE_URL"])
    for digest in digests:
        store.open(digest)
