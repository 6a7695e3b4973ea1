"""The keeper: a thread beside the intake that closes spool segments, lets them go once all is safe, and replays what is left."""

import logging
import pathlib
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from app.clock import monotonic
from app.errors import Unavailable
from app.services import meter
from app.services.intake import Intake
from app.services.replay import DiskFailure, Replayer
from app.storage import spool
from app.storage.spool import Segment

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
_ORPHAN_SECONDS = 5.0
_RETRY_SECONDS = (0.5, 5.0)


class Keeper:
    def __init__(self, intake: Intake, replayer: Replayer, segment_bytes: int, segment_seconds: float, chore: Callable[[], object]) -> None:
        self.intake, self.replayer, self._chore = intake, replayer, chore
        self.segment_bytes, self.segment_seconds = segment_bytes, segment_seconds
        self._ours = {path.name for path in intake.journal.slot.segments()}
        """What the slot's last owner left."""
        self._failing: dict[pathlib.Path, float] = {}
        """When a file or slot of the spool could last not be replayed for what the disk says."""
        self._next_orphans = 0.0
        self._next_replay = 0.0
        self._pause = _RETRY_SECONDS[0]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="intake-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the intake has stopped: closes what is open and lets go what is safe."""
        self._stopping.set()
        self._thread.join(timeout=10)
        with self.intake.lock:
            self.intake.journal.close_active()
        self._let_go()

    def _loop(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            try:
                self.tick()
            except Exception:
                log.exception("spool: the keeper stumbled")
                self._next_replay = monotonic() + _RETRY_SECONDS[1]

    def tick(self) -> None:
        self._close_due()
        self._let_go()
        if monotonic() >= self._next_replay:
            self._replay()
        meter.spool_mails.set(self._pending())
        self._chore()

    def _close_due(self) -> None:
        with self.intake.lock:
            segment = self.intake.journal.active
            if segment and segment.size:
                old = monotonic() - segment.born >= self.segment_seconds
                full = segment.size >= self.segment_bytes
                if old or full:
                    self.intake.journal.close_active()

    def _let_go(self) -> None:
        """Segments whose mails all have rows and copies: flush the store once for all of them, then remove the files."""
        with self.intake.lock:
            done = [segment for segment in self._landed() if not segment.pending]
        if not done:
            return
        try:
            self.intake.store.flush([digest for segment in done for digest in segment.digests])
        except OSError as error:
            log.error("store: cannot flush: %s", error.strerror)
            return
        kept = [segment for segment in done if self._has_copies(segment)]
        with self.intake.lock:
            for segment in kept:
                self.intake.journal.forget(segment)
                self.intake.in_flight.pop(segment.path.name, None)

    def _has_copies(self, segment: Segment) -> bool:
        """Looked for once more: what put() found there may have been set aside before the row that refers to it was."""
        if all(self.intake.store.is_in_place(digest) for digest in segment.digests):
            return True
        try:
            return self._bring_in(segment.path, with_done=True)
        except Unavailable:
            return False

    def _landed(self) -> list[Segment]:
        """Closed segments of which the intake has nothing in hand."""
        return [segment for segment in self.intake.journal.closed if not self.intake.in_flight.get(segment.path.name)]

    def _replay(self) -> None:
        try:
            whole = self._replay_waiting()
            self._replay_left_behind()
        except Unavailable as error:
            if not self.intake.database_away:
                log.error("spool: replay waits: %s", error)
            self.intake.database_away = True
            self._wait()
            return
        if whole:
            self._pause = _RETRY_SECONDS[0]
        else:
            self._wait()
        if self.intake.database_away:
            self._come_back()

    def _wait(self) -> None:
        self._next_replay = monotonic() + self._pause
        self._pause = min(self._pause * 2, _RETRY_SECONDS[1])

    def _replay_waiting(self) -> bool:
        """Our own closed segments; False where the disk fails. What failed longest ago is tried first, so that none keeps back another."""
        for segment in sorted(self._waiting(), key=lambda segment: self._failing.get(segment.path, 0.0)):
            if not self._bring_in(segment.path):
                return False
            with self.intake.lock:
                segment.pending.clear()
        return True

    def _waiting(self) -> list[Segment]:
        """With the database away the active one, too, where there is no other to try it with: one file, however long that lasts."""
        with self.intake.lock:
            waiting = [segment for segment in self._landed() if segment.pending]
            if waiting or not self.intake.database_away:
                return waiting
            self._close_pending()
            return [segment for segment in self._landed() if segment.pending]

    def _close_pending(self) -> None:
        """Under the intake's lock."""
        active = self.intake.journal.active
        if active and active.pending:
            self.intake.journal.close_active()

    def _bring_in(self, path: pathlib.Path, *, with_done: bool = False, then_remove: bool = False) -> bool:
        """False where the disk fails, which is told once a file; Unavailable where the database takes nothing."""
        try:
            self.replayer.replay(path, with_done=with_done)
            if then_remove:
                path.unlink()
        except (DiskFailure, OSError) as error:
            self._tell_once(path, error)
            return False
        self._failing.pop(path, None)
        return True

    def _tell_once(self, path: pathlib.Path, error: Exception) -> None:
        if path not in self._failing:
            log.error("spool: %s waits: %s", path, error)
        self._failing[path] = monotonic()

    def _come_back(self) -> None:
        """What came while we replayed waits in the active segment: close it, so that the next tick brings it in."""
        if not self._database_answers():
            self._next_replay = monotonic() + self._pause
            return
        with self.intake.lock:
            self.intake.database_away = False
            self._close_pending()
        log.warning("intake: the database is back")

    def _replay_left_behind(self) -> None:
        """Of a process that died: first what our own slot held before us, then every slot nobody owns now."""
        if monotonic() < self._next_orphans:
            return
        own = self.intake.journal.slot
        self._replay_files([path for path in own.segments() if path.name in self._ours])
        for number in sorted({number for number, _ in spool.left_behind(own.root)} - {own.number}):
            try:
                slot = spool.claim(own.root, number)
            except Unavailable as error:
                self._tell_once(own.root / f"{number:02d}", error)
                continue
            if slot:
                try:
                    self._replay_files(slot.segments())
                finally:
                    slot.release()
        self._next_orphans = monotonic() + _ORPHAN_SECONDS

    def _replay_files(self, paths: list[pathlib.Path]) -> None:
        for path in sorted(paths, key=lambda path: self._failing.get(path, 0.0)):
            if not self._bring_in(path, then_remove=True):
                return

    def _database_answers(self) -> bool:
        try:
            with self.intake.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError:
            return False
        return True

    def _pending(self) -> int:
        with self.intake.lock:
            active = self.intake.journal.active
            return sum(len(segment.pending) for segment in self.intake.journal.closed) + (len(active.pending) if active else 0)
