"""Replays, outside the intake, what dead processes left in the spool."""

import os
import pathlib
from dataclasses import dataclass, field

from flask import current_app

from app.actor import SYSTEM
from app.errors import NotAllowed, Unavailable
from app.ids import MailIds
from app.services.nodes import register_local
from app.services.replay import DiskFailure, Replayer, replayer_of
from app.storage.spool import SUFFIX, claim, left_behind


@dataclass(slots=True)
class Total:
    committed: int = 0
    known: int = 0
    failed: int = 0
    busy: int = 0
    stuck: list[str] = field(default_factory=list)
    """What the disk says of each file that waits on."""


def replay_all(*, with_failed: bool = False) -> Total:
    """Each slot under its lock, so that it is never replayed by two."""
    root = pathlib.Path(current_app.config["SPOOL_DIR"])
    if not root.exists():
        return Total()
    _refuse_other_users(root)
    number = register_local(current_app.config["NODE_NAME"], actor=SYSTEM).number
    own = claim(root)
    if own is None:
        raise Unavailable("Every slot of the spool is taken by a running process.")
    total = Total()
    try:
        replayer = replayer_of(current_app, MailIds(number, own.number))
        for slot_number in sorted({slot for slot, _ in left_behind(root)}):
            slot = own if slot_number == own.number else claim(root, slot_number)
            if slot is None:
                total.busy += 1
                continue
            try:
                for path in slot.segments():
                    _replay(replayer, path, total)
            finally:
                if slot is not own:
                    slot.release()
        if with_failed:
            for path in sorted(root.glob(f"failed/*{SUFFIX}")):
                _replay(replayer, path, total)
    finally:
        own.release()
    return total


def _refuse_other_users(root: pathlib.Path) -> None:
    """What root makes in the spool, the service cannot open afterwards."""
    owner = root.stat().st_uid
    if owner != os.geteuid():
        raise NotAllowed(f"The spool {root} belongs to the user with the id {owner}: run this as that user.")


def _replay(replayer: Replayer, path: pathlib.Path, total: Total) -> None:
    try:
        result = replayer.replay(path)
    except DiskFailure as error:
        total.stuck.append(str(error))
        return
    total.committed += result.committed
    total.known += result.known
    total.failed += result.failed
    if path.parent != replayer.failed or not result.failed:
        path.unlink()
