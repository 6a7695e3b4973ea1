"""Many at once, and a process that dies in between: a mail goes once, or nobody says that it did not."""

import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app.clock import stored_now
from app.errors import Conflict
from app.extensions import db
from app.models import Release
from tests.apps import close
from tests.databases import MariaDBCopies
from tests.releases import BOB, CAROL, asked, releasing_app, sent, states, stored
from tests.servers.relay import Relay

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
_AT_ONCE = 8
# What a process does that is killed when the relay has the mail and before anything says so.
_DIES = """
import os, pathlib, signal, sys
from app.services import release_sending
from tests.releases import releasing_app
release_sending._record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
app = releasing_app(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])
with app.app_context():
    release_sending.send_due()
"""


@pytest.fixture
def url(mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path) -> str:
    return mariadb_copies.make(tmp_path)


@pytest.fixture
def app(url: str, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(url, tmp_path, relay.url)
    yield app
    close(app)


def test_eight_who_ask_and_send_at_once_send_one_mail(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, BOB, CAROL)
    ready = threading.Barrier(_AT_ONCE)
    refused: list[Conflict] = []
    others: list[Exception] = []

    def work() -> None:
        try:
            ready.wait()
            try:
                asked(app, mail_id, BOB, CAROL)
            except Conflict as error:
                refused.append(error)
            for _ in range(3):
                sent(app)
        except Exception as error:
            others.append(error)

    threads = [threading.Thread(target=work) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (others, len(refused)) == ([], _AT_ONCE - 1)
    assert sorted(states(app, mail_id)) == [(BOB, "sent"), (CAROL, "sent")]
    assert sorted(each.rcpt_tos[0] for each in relay.envelopes) == [BOB, CAROL]


def test_who_is_killed_before_he_says_so_leaves_it_unknown(app: Flask, url: str, relay: Relay, tmp_path: pathlib.Path) -> None:
    mail_id = stored(app)
    asked(app, mail_id)
    done = subprocess.run([sys.executable, "-c", _DIES, url, str(tmp_path), relay.url], cwd=ROOT, check=False)
    assert (done.returncode, len(relay.envelopes)) == (-signal.SIGKILL, 1)
    assert (sent(app), states(app, mail_id)) == (0, [(BOB, "sending")])
    with app.app_context():
        db.session.query(Release).update({"claimed_at": stored_now() - timedelta(minutes=11)})
        db.session.commit()
    for _ in range(2):
        assert (sent(app), states(app, mail_id)) == (0, [(BOB, "unknown")])
    assert len(relay.envelopes) == 1
