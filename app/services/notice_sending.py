"""Gives letters to the relay: each claimed before, and recorded with the claim of the next, so that none goes twice."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from flask import current_app

from app.clock import monotonic, stored_now
from app.errors import Unavailable
from app.extensions import PanelSession, db
from app.models import Notice, NoticeStep
from app.queries.addressees import Addressee
from app.queries.notice_offers import Offered
from app.queries.notices import Line
from app.services.job import Report
from app.services.letters import envelope_of, relay_of
from app.services.notice_ends import AFTER_MINUTES, End, Ledger, place_of, settle
from app.services.notice_handful import Ready, next_letters
from app.services.notice_relay import Judgement
from app.services.tries import tried
from app.smtp import Kind, Round

log = logging.getLogger(__name__)

Write = Callable[[Notice, Addressee, Sequence[Line], Offered], bytes]

_FRESH_SECONDS = 2.0
"""So long it counts what was read of a letter and of whom it is for."""
_AT_ONCE = 100


class Sender:
    """Of one run of the job: one session with the relay for all its letters, and so many a minute."""

    def __init__(self, report: Report, write: Write) -> None:
        self.sent = self.failed = self.later = self.empty = 0
        self.relay = Judgement()
        self._report, self._write = report, write
        self._round = Round(relay_of(current_app.config))
        self._next_at = 0.0
        self._has_turn = False
        self._end: End | None = None
        """Of the letter before, which is written down with the claim of the next."""
        self._sent: list[Notice] = []
        self._aside: list[End] = []

    def close(self) -> None:
        self._round.close()

    def send(self, seconds: float) -> bool:
        """For about so long. Whether there may be more."""
        end = monotonic() + seconds
        while not self._is_over():
            db.session.rollback()
            found = next_letters(stored_now(), min(_AT_ONCE, 1 + int(current_app.config["NOTICE_RATE"] / 60 * _FRESH_SECONDS)))
            db.session.rollback()
            if found:
                self._handful(found, end)
            if not found or monotonic() > end:
                return bool(found)
        return False

    def _is_over(self) -> bool:
        return bool(self.relay.why) or self._report.is_over()

    def _handful(self, found: Sequence[Ready], end: float) -> None:
        tried(self._hold)
        with contextlib.closing(Ledger()) as ledger:
            try:
                self._send_all(found, min(end, monotonic() + _FRESH_SECONDS), ledger)
            finally:
                self._record(ledger)
                sent, aside, self._sent, self._aside = self._sent, self._aside, [], []
        if sent or aside:
            tried(partial(settle, sent, aside))

    def _hold(self) -> None:
        with cast(PanelSession, db.session()).begin_writing():
            self._report.must_hold()
            db.session.commit()

    def _send_all(self, found: Sequence[Ready], until: float, ledger: Ledger) -> None:
        """However long it took to write: the first of them goes, else none ever would."""
        is_first = True
        for ready in found:
            message = self._written(ready)
            if isinstance(message, End):
                self._put_aside(message)
                continue
            self._await_turn(ledger)
            if self._is_over() or (monotonic() > until and not is_first) or not self._is_there():
                return
            self._give(ready, message, ledger)
            is_first = False

    def _give(self, ready: Ready, message: bytes, ledger: Ledger) -> None:
        letter, to = ready.letter, ready.addressee.address if ready.addressee is not None else ""
        self._has_turn = False
        is_ours = ledger.step_on(self._end, letter, to)
        self._end = None
        if not is_ours:
            return
        answer = self._round.give(message, "", envelope_of(to))
        letter.address = to
        self._end = End(letter, letter.tries + 1, _step_after(letter.tries + 1, answer.kind), answer.words)
        self._count(self._end)
        self.relay.hear(self._end.step, answer)

    def _written(self, ready: Ready) -> bytes | End:
        """The message; or what becomes of a letter that goes to nobody. Whatever is wrong with it holds up no other."""
        letter, tries = ready.letter, ready.letter.tries + 1
        if letter.revoked_at is not None:
            return End(letter, tries, NoticeStep.EMPTY, "It was made void before it went.")
        if ready.addressee is None:
            return End(letter, tries, NoticeStep.EMPTY, "They want no letters any more.")
        if not ready.lines:
            return End(letter, tries, NoticeStep.EMPTY, "All that it would have told of was gone by then.")
        try:
            return self._write(letter, ready.addressee, ready.lines, ready.offered)
        except Exception as error:
            log.exception("letter %d cannot be written", letter.id)
            return End(letter, tries, _step_after(tries, Kind.LATER), f"It cannot be written: {type(error).__name__}: {error}")
        finally:
            db.session.rollback()  # nobody waits for us while the relay is slow

    def _put_aside(self, end: End) -> None:
        self._aside.append(end)
        self._count(end)

    def _record(self, ledger: Ledger) -> None:
        """Where no other is claimed just now."""
        if self._end is not None:
            ledger.step_on(self._end)
            self._end = None

    def _is_there(self) -> bool:
        """Asked before a letter is claimed: what was never given to anybody is nobody's to lose."""
        try:
            self._round.open()
        except Unavailable as error:
            self.relay.why = str(error)
        return not self.relay.why

    def _count(self, end: End) -> None:
        match end.step:
            case NoticeStep.SENT:
                self.sent += 1
                self._sent.append(end.letter)
            case NoticeStep.WAITING:
                self.later += 1
            case NoticeStep.EMPTY:
                self.empty += 1
            case _:
                self.failed += 1
        log.info("letter %d to %s: %s: %s", end.letter.id, end.letter.address, end.step, end.words)
        self._report.progress(self.sent + self.failed + self.later + self.empty)

    def _await_turn(self, ledger: Ledger) -> None:
        """So that they go evenly. A turn that was not used is there for the next."""
        if self._has_turn:
            return
        self._has_turn = True
        self._next_at = max(self._next_at, monotonic() - 1.0) + 60 / current_app.config["NOTICE_RATE"]
        if self._next_at > monotonic():
            self._record(ledger)
        while (left := self._next_at - monotonic()) > 0 and not self._report.is_over():
            time.sleep(min(left, 0.5))


def _step_after(tries: int, kind: Kind) -> NoticeStep:
    """Who has it tried again after the last of its tries gives it as many once more."""
    match kind:
        case Kind.SENT:
            return NoticeStep.SENT
        case Kind.UNKNOWN:
            return NoticeStep.UNKNOWN
        case Kind.LATER if place_of(tries) < len(AFTER_MINUTES):
            return NoticeStep.WAITING
    return NoticeStep.FAILED
