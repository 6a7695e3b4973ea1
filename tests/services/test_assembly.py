"""An intake that cannot start takes nothing away from the next try."""

import threading

import pytest
from flask import Flask

from app.errors import Unavailable
from app.ids import SLOTS
from app.services import spooled
from app.services.intake import Intake
from app.services.keeper import Keeper
from app.services.policy import StorePolicy
from app.services.replay import Replayer
from app.storage.spool import Journal, claim
from tests.make import make_entry, make_node


@pytest.mark.parametrize(("owner", "step"), [(StorePolicy, "from_config"), (Intake, "start"), (Keeper, "start")])
def test_a_start_that_fails_gives_its_slot_back(app: Flask, monkeypatch: pytest.MonkeyPatch, owner: type, step: str) -> None:
    make_node(app)
    assembly, threads = app.extensions["mailkeep_intake"], threading.active_count()

    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(owner, step, fail)
    for _ in range(SLOTS + 1):
        with pytest.raises(RuntimeError):
            assembly.get()
    assert threading.active_count() == threads
    monkeypatch.undo()
    assert assembly.get().journal.slot.number == 0


def test_a_replay_by_hand_that_fails_gives_the_slot_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_node(app)
    slot = claim(app.config["SPOOL_DIR"], 7)
    assert slot
    Journal(slot).append([make_entry().to_record()], [])
    slot.release()

    def fail(*_: object) -> None:
        raise Unavailable("the database takes no rows")

    monkeypatch.setattr(Replayer, "replay", fail)
    with app.app_context(), pytest.raises(Unavailable):
        spooled.replay_all()
    assert claim(app.config["SPOOL_DIR"], 7)
