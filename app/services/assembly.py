"""Puts the intake of a process together at its first use: the slot, the journal, the threads."""

import logging
import threading
from collections.abc import Callable

from flask import Flask

from app.errors import Unavailable
from app.ids import MailIds
from app.services.intake import Intake
from app.services.keeper import Keeper
from app.services.policy import StorePolicy
from app.services.prepare import Settings
from app.services.replay import replayer_of
from app.services.sealing import key_for
from app.storage.spool import Journal, Slot, claim
from app.storage.store import CANNOT_WRITE, reason

log = logging.getLogger(__name__)


class Assembly:
    """One an app. get() starts it; nothing runs before, so that commands and tests that take no mail own no slot."""

    def __init__(self, app: Flask, local_number: Callable[[], int], chore: Callable[[], object]) -> None:
        self._app, self._local_number, self._chore = app, local_number, chore
        self._lock = threading.Lock()
        self._intake: Intake | None = None
        self._keeper: Keeper | None = None
        self._slot: Slot | None = None

    def get(self) -> Intake:
        """Unavailable where this process cannot take mail: no number, no slot, no spool folder."""
        if self._intake is None:
            with self._lock:
                if self._intake is None:
                    self._start()
        assert self._intake is not None  # noqa: S101 - narrows for mypy
        return self._intake

    @property
    def running(self) -> Intake | None:
        """None where get() would have to start it."""
        return self._intake

    def stop(self) -> None:
        """Finishes what is in hand; a later get() starts anew."""
        with self._lock:
            if self._intake and self._keeper and self._slot:
                self._intake.stop()
                self._keeper.stop()
                self._slot.release()
            self._intake = self._keeper = self._slot = None

    def _start(self) -> None:
        number = self._local_number()
        slot = claim(self._app.config["SPOOL_DIR"])
        if slot is None:
            raise Unavailable("every slot of the spool is taken: too many processes for one node")
        try:
            self._keeper, self._intake = self._started(slot, number)
        except BaseException:
            slot.release()  # else each try would take another
            raise
        self._slot = slot

    def _started(self, slot: Slot, number: int) -> tuple[Keeper, Intake]:
        config = self._app.config
        with self._app.app_context():
            release_key = key_for("release")
            replayer = replayer_of(self._app, MailIds(number, slot.number))
        if not replayer.store.is_far:  # that one would let the first posts wait for its time-outs, and needs no folders
            try:
                replayer.store.prepare()
            except CANNOT_WRITE as error:
                log.error("store: cannot be prepared: %s", reason(error))
        settings = Settings(
            node=config["NODE_NAME"],
            virus_symbols=config["VIRUS_SYMBOLS"],
            dedup_seconds=config["DEDUP_SECONDS"],
            patience=config["DB_PATIENCE_SECONDS"],
            batch_rows=config["BATCH_ROWS"],
            level=config["STORE_LEVEL"],
            release_key=release_key,
        )
        policy = StorePolicy.from_config(config)
        intake = Intake(replayer.engine, replayer.store, Journal(slot), replayer.ids, policy, settings)
        keeper = Keeper(intake, replayer, config["SPOOL_SEGMENT_BYTES"], config["SPOOL_SEGMENT_SECONDS"], self._chore)
        try:
            intake.start()
            keeper.start()
        except BaseException:
            intake.stop()
            raise
        return keeper, intake
