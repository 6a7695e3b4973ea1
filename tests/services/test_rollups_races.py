"""Hours that are counted while mails come, clocks jump and processes die: no mail is left out, none counts twice."""

import pathlib
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from flask import Flask
from sqlalchemy import event, text, update
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.models import CountState
from app.services import counting, tries
from app.services import late as marking
from app.services.counting import count_hour
from app.services.job import LeaseLost, Report
from tests.rollups import HOUR, NOW, begin, came, count, is_even, late, minutes, stand_at_noon, sums

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    return stand_at_noon(monkeypatch)


def test_an_hour_is_closed_once_everybody_marks_what_comes_late(app: Flask, at_noon: list[datetime]) -> None:
    begin(app)
    came(app, minutes(45))
    count(app)
    at_noon[0] = NOW + minutes(45)  # the hour of NOW has ended, ten minutes have passed since: to be closed soon
    count(app)
    came(app, minutes(10), heard=False)  # by a process that does not know
    assert (late(app), sums(app)) == (0, {-1: 1})
    at_noon[0] += minutes(1)
    count(app)
    assert sums(app) == {-1: 1, 0: 1}
    with app.app_context():
        assert db.session.get_one(CountState, 1).closed_before == HOUR
    at_noon[0] += minutes(2)
    came(app, minutes(9))
    assert late(app) == 1  # marked, and there when the hour is counted for the last time
    count(app)
    with app.app_context():
        assert db.session.get_one(CountState, 1).closed_before == HOUR + 1
    assert (late(app), sums(app)) == (0, {-1: 1, 0: 2})
    came(app, minutes(8))
    count(app)
    assert (late(app), sums(app)) == (0, {-1: 1, 0: 3})
    is_even(app)


def test_a_clock_that_was_ahead_or_falls_back_costs_no_mail(app: Flask, at_noon: list[datetime]) -> None:
    begin(app)
    came(app, minutes(1))
    at_noon[0] = NOW + timedelta(days=300)
    count(app)
    count(app)
    at_noon[0] = NOW + minutes(5)
    came(app, minutes(2))
    count(app)
    came(app, minutes(-4))
    at_noon[0] = NOW - timedelta(days=2)
    count(app)
    came(app, timedelta(days=-3))  # of a node whose clock is ahead
    at_noon[0] = NOW + minutes(20)
    count(app)
    count(app)
    came(app, minutes(-10))
    at_noon[0] = NOW + timedelta(days=4)
    for _ in range(3):
        at_noon[0] += minutes(5)
        count(app)
    assert (sums(app), late(app)) == ({0: 4, 72: 1}, 0)
    is_even(app)


def test_who_never_read_what_is_late_marks_all_it_brings_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(app)
    count(app)
    with monkeypatch.context() as blind:
        blind.setattr(marking, "_BEFORE", text("SELECT marked_before FROM nowhere"))
        blind.setattr(marking, "_borders", WeakKeyDictionary())
        came(app, timedelta(hours=4), heard=False)
        came(app, minutes(3), heard=False)
    assert late(app) == 2
    came(app, minutes(2))
    for _ in range(2):
        count(app)
        assert (sums(app), late(app)) == ({-4: 1, 0: 2}, 0)
    is_even(app)


def test_what_comes_while_its_hour_is_counted_is_counted_once(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of the past, so it is marked: in the sums or not, nobody can tell, and the hour is counted again."""
    begin(any_app)
    came(any_app, timedelta(hours=3))
    real, come = counting._counted, [2]

    def meanwhile(*args: Any) -> Any:
        if come[0] == 2:
            come[0] -= 1
            came(any_app, timedelta(hours=3))
        found = real(*args)
        if come[0] == 1:
            come[0] -= 1
            came(any_app, timedelta(hours=3))
        return found

    monkeypatch.setattr(counting, "_counted", meanwhile)
    count(any_app)
    assert (sums(any_app), late(any_app)) == ({-3: 3}, 0)


def test_who_has_lost_its_lease_writes_nothing(app: Flask) -> None:
    begin(app)
    came(app, minutes(5))
    count(app)
    came(app, minutes(4))
    came(app, timedelta(hours=5))

    def lost() -> None:
        raise LeaseLost("rollups")

    with app.app_context():
        report = Report()
        report.hold = lost
        for act in (lambda: count_hour(HOUR, report, frozenset()), lambda: counting.add_late(0, HOUR, report, frozenset())):
            with pytest.raises(LeaseLost):
                act()
            db.session.rollback()
    assert sums(app) == {0: 1}
    assert late(app) == 1


def test_a_node_of_a_cluster_that_was_slower_counts_all_the_same(
    app: Flask, monkeypatch: pytest.MonkeyPatch, at_noon: list[datetime]
) -> None:
    """Each transaction that writes is refused as it is committed, and taken the second time."""
    app.config["STATISTICS_DAYS"] = 40
    begin(app)
    monkeypatch.setattr(tries.time, "sleep", lambda _seconds: None)
    for ago in (timedelta(days=39), timedelta(hours=4)):
        came(app, ago)
    commits = [0]

    def refuse(session: Any) -> None:
        commits[0] += bool(session.info.get("writes"))
        if session.info.get("writes") and commits[0] % 2:
            raise OperationalError("COMMIT", {}, Exception(1213, "Deadlock found"))

    event.listen(db.session, "before_commit", refuse)
    try:
        count(app, whole=True)
        came(app, timedelta(hours=4))
        came(app, timedelta(hours=2000))
        at_noon[0] = NOW + timedelta(days=3)
        came(app, timedelta(days=-3))
        for _ in range(3):
            at_noon[0] += minutes(5)
            count(app, whole=True)
    finally:
        event.remove(db.session, "before_commit", refuse)
    assert (sums(app), late(app), commits[0] % 2) == ({-4: 2, 72: 1}, 0, 0)
    is_even(app)


_DIES = """
import os, pathlib, signal, sys
from app.extensions import db
from app.services import counting, rollups
from app.services.job import Report
from tests.apps import make_app
real, left = getattr(counting, sys.argv[3]), [int(sys.argv[4])]
def die(*args, **more):
    found = real(*args, **more)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(counting, sys.argv[3], die)
with make_app(sys.argv[1], pathlib.Path(sys.argv[2])).app_context():
    rollups.run(Report())
"""


@pytest.mark.parametrize(("function", "call"), [("_sum_up", 2), ("_add", 1)])
def test_who_is_killed_half_way_has_counted_whole_hours_or_nothing(app: Flask, tmp_path: pathlib.Path, function: str, call: int) -> None:
    begin(app)
    for ago in (timedelta(hours=3), timedelta(hours=4)):
        came(app, ago)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    with app.app_context():  # one hour closed already, with a mail that comes late
        db.session.execute(update(CountState).values(counted_from=HOUR - 4 if function == "_add" else HOUR - 1))
        db.session.commit()
    died = subprocess.run(
        [sys.executable, "-c", _DIES, url, str(tmp_path), function, str(call)], cwd=ROOT, capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    is_even(app)
    for _ in range(2):
        count(app)
    assert (sums(app), late(app)) == ({-3: 1, -4: 1}, 0)
    is_even(app)
