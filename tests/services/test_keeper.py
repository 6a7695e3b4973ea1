"""The keeper, one tick at a time: what fails keeps back nothing else, and an outage leaves few files."""

import dataclasses
import pathlib

import pytest
from flask import Flask

from app.rspamd.report import Received
from app.services import keeper
from app.services.intake import Intake
from app.services.keeper import Keeper
from app.services.ticket import Outcome
from app.storage.local import LocalStore
from app.storage.spool import Journal, claim
from tests.make import make_entry, make_node, make_raw
from tests.services.test_intake import break_database, mend_database, rows, segments


@pytest.fixture
def ticks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """The keeper of a running intake, whose thread sleeps: the tests tick."""
    monkeypatch.setattr(keeper, "_TICK_SECONDS", 3600.0)
    make_node(app)
    app.extensions["mailkeep_intake"].get()
    found: Keeper = app.extensions["mailkeep_intake"]._keeper
    return found


def tick(ticks: Keeper) -> None:
    """Whatever it would still wait for."""
    ticks._next_replay = ticks._next_orphans = 0.0
    ticks.tick()


def send(intake: Intake, **fields: object) -> Outcome:
    raw = make_raw()
    return intake.accept("mx1", Received(dataclasses.replace(make_entry(raw).report, **fields), raw)).outcome


def test_a_file_that_cannot_be_read_keeps_back_nothing_else(app: Flask, ticks: Keeper) -> None:
    root = pathlib.Path(app.config["SPOOL_DIR"])
    (root / "05" / "000000000000001-000001.seg").mkdir(parents=True)
    (root / "06" / "lock").mkdir(parents=True)
    (root / "06" / "000000000000001-000001.seg").touch()
    slot = claim(root, 7)
    assert slot
    Journal(slot).append([make_entry().to_record()], [])
    slot.release()
    ticks.intake.database_away = True
    assert send(ticks.intake) is Outcome.SPOOLED
    tick(ticks)
    tick(ticks)
    assert not ticks.intake.database_away
    assert len(rows(app)) == 2
    assert send(ticks.intake) is Outcome.COMMITTED


def test_a_store_that_fails_is_no_fault_of_the_database(app: Flask, ticks: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [make_entry(keep=True) for _ in range(3)]
    real, full = LocalStore._write, {entries[0].digest}

    def write(self: LocalStore, path: pathlib.Path, packed: bytes, durable: bool) -> None:
        if path.name in full:
            raise OSError(28, "No space left on device")
        real(self, path, packed, durable)

    monkeypatch.setattr(LocalStore, "_write", write)
    for entry in entries:
        ticks.intake.journal.append([entry.to_record()], [])
        ticks.intake.journal.close_active()
    for _ in range(2):
        tick(ticks)
    assert not ticks.intake.database_away
    assert {mail.id for mail in rows(app)} == {entry.id for entry in entries[1:]}
    full.clear()
    tick(ticks)
    assert {mail.id for mail in rows(app)} == {entry.id for entry in entries}


def test_an_outage_of_the_database_makes_no_file_a_tick(app: Flask, ticks: Keeper) -> None:
    break_database(app)
    for _ in range(8):
        assert send(ticks.intake) is Outcome.SPOOLED
        tick(ticks)
    assert ticks.intake.database_away
    assert len(segments(app)) == 2
    mend_database(app)
    tick(ticks)
    assert not ticks.intake.database_away
    tick(ticks)
    assert len(rows(app)) == 8
    assert send(ticks.intake) is Outcome.COMMITTED
