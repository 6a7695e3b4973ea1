"""Several that work at once, and one that is killed in between: each mail has its turn once, and all of them have it."""

import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from app.services import bulk_work
from tests.apps import close
from tests.bulk import counts, events, lease_is_over, ordered, releases, run_of, worked
from tests.make import make_user
from tests.releases import releasing_app, stored

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RELAY = "smtp://127.0.0.1:9"  # nothing is sent here
_MAILS = 12
# Works like the job; with a number it is killed when so many mails are released, before anything says so of the last.
_WORKS = """
import os, pathlib, signal, sys
from app.jobs.bulk import searched
from app.services import bulk_work
from tests.releases import releasing_app
app = releasing_app(sys.argv[1], pathlib.Path(sys.argv[2]), "smtp://127.0.0.1:9", UNDO_SECONDS=3600)
left, note = int(sys.argv[3]), bulk_work._note
def counted(*args):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    note(*args)
bulk_work._note = counted
bulk_work._BATCH = 3
with app.app_context():
    while bulk_work.work(searched, lambda: False):
        pass
"""


@pytest.fixture
def app(database: str, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = releasing_app(database, tmp_path, RELAY, UNDO_SECONDS=3600)
    make_user(app, "root")
    yield app
    close(app)


def process(app: Flask, folder: pathlib.Path, dies_after: int = 0) -> subprocess.Popen[bytes]:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    return subprocess.Popen([sys.executable, "-c", _WORKS, url, str(folder), str(dies_after)], cwd=ROOT)


def test_a_killed_process_is_followed_by_one_that_goes_on_from_there(app: Flask, tmp_path: pathlib.Path) -> None:
    mails = [stored(app) for _ in range(_MAILS)]
    run = ordered(app, total=_MAILS)
    assert process(app, tmp_path, dies_after=5).wait() == -signal.SIGKILL
    assert (counts(app, run), len(releases(app))) == (("running", 4, 0, 0), 5)
    assert worked(app) == 0, "not while the dead one may still be at it"
    lease_is_over(app, run)
    worked(app)
    assert releases(app) == mails, "none twice, none left out"
    assert counts(app, run) == ("done", _MAILS - 1, 1, 0), "of the one that nobody noted it is said that it is on its way"


def test_whoever_comes_at_once_shares_the_runs_and_does_no_mail_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_work, "_BATCH", 3)
    monkeypatch.setattr(bulk_work, "_SLICE_SECONDS", 0.0)
    mails = [stored(app) for _ in range(_MAILS)]
    runs = [ordered(app, total=_MAILS) for _ in range(3)]
    working = [threading.Thread(target=worked, args=(app,)) for _ in range(5)]
    for each in working:
        each.start()
    for each in working:
        each.join()
    worked(app)
    assert releases(app) == mails
    assert {run_of(app, run).state for run in runs} == {"done"}
    assert sum(run_of(app, run).done for run in runs) == _MAILS
    assert sum(run_of(app, run).counted for run in runs) == 3 * _MAILS
    assert sorted(verb for verb, _after in events(app)) == ["bulk.begun"] * 3 + ["bulk.ended"] * 3
