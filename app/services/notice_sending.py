"""Gives letters to the relay: each claimed by one statement before, and recorded after, so that none goes twice."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast

from flask import current_app
from sqlalchemy import update

from app.clock import monotonic, stored_now
from app.errors import Unavailable
from app.extensions import PanelSession, db
from app.models import Notice, NoticeStep
from app.models.notice import NOTICE_WORDS
from app.queries.addressees import Addressee, addressees_of, still_told
from app.queries.notices import Line, addresses_told, due_letters, lines_of, lost_letters, mails_of_letter, unsettled_letters
from app.services.job import Report
from app.services.letters import envelope_of, relay_of
from app.services.notice_lines import forget_lines, run, say_sent
from app.services.tries import tried
from app.smtp import Answer, Kind, Round

log = logging.getLogger(__name__)

Write = Callable[[Notice, Addressee, list[Line]], bytes]

_AFTER_MINUTES = (5, 15, 60, 240, 480, 480, 480)
"""How long after each try that failed for now; after the last there is no other."""
_LOST_AFTER = timedelta(minutes=10)
_AT_ONCE, _MAILS = 100, 1000
_CLAIMED = (NoticeStep.SENDING.value, NoticeStep.UNKNOWN.value)
_SETTLED = (NoticeStep.SENT, NoticeStep.EMPTY)
_GIVEN_UP = "Whoever sent it ended in the middle: it may have gone, and is not sent again."
_MOST_IN_A_ROW, _MOST_REFUSED = 5, 20
"""So many letters one after the other that the relay will not have now, or not at all, and it will have none."""
# Enhanced codes (RFC 3463) of a mailbox that is not there, moved, full or switched off.
_OF_RECIPIENT = re.compile(r"\d{3}[ -][45]\.(?:1\.(?:[1236]|10)|2\.\d{1,3})\b")


class Sender:
    """Of one run of the job: one session with the relay for all its letters, and so many a minute."""

    def __init__(self, report: Report, write: Write) -> None:
        self.sent = self.failed = self.later = self.empty = 0
        self.why = ""
        """The relay is away, or takes nothing: the rest waits for the next run."""
        self._report, self._write = report, write
        self._round = Round(relay_of(current_app.config))
        self.is_refused = False
        """It is not the letters: somebody has to look."""
        self._in_a_row = self._refused = 0
        self._next_at = 0.0
        self._lost: dict[str, set[str]] = {}
        self._is_asked = False
        """The relay, of this letter: what it did not see says nothing of it."""

    def close(self) -> None:
        self._round.close()

    def send(self, seconds: float) -> bool:
        """For about so long. Whether there may be more."""
        end = monotonic() + seconds
        while not self._report.is_over() and not self.why:
            db.session.rollback()
            found = due_letters(stored_now(), _AT_ONCE)
            people, self._lost = _people(found)
            db.session.rollback()
            for letter in found:
                if self._report.is_over() or self.why or monotonic() > end:
                    break
                self._send(letter, people.get(letter.owner))
            if not found or monotonic() > end:
                return bool(found)
        return False

    def _send(self, letter: Notice, addressee: Addressee | None) -> None:
        self._wait()
        if not self._is_there() or not tried(partial(self._claim, letter, addressee)):
            return
        letter.tries += 1
        step, answer = self._handed_over(letter, addressee)
        tried(partial(_record, letter, step, answer))
        log.info("letter %d to %s: %s: %s", letter.id, letter.address, step, answer.words)
        self._count(step, answer)

    def _claim(self, letter: Notice, addressee: Addressee | None) -> bool:
        """Not where somebody else has it by now, or it was made void. Its links count for the address that it goes to now."""
        now = stored_now()
        values: dict[str, Any] = {"state": NoticeStep.SENDING.value, "claimed_at": now, "next_try_at": None, "tries": letter.tries + 1}
        letter.address = values["address"] = addressee.address if addressee is not None else letter.address
        free = (Notice.state == NoticeStep.WAITING.value, Notice.tries == letter.tries, Notice.next_try_at <= now)
        as_it_was = Notice.revoked_at.is_(None) if letter.revoked_at is None else Notice.revoked_at.is_not(None)
        with cast(PanelSession, db.session()).begin_writing():
            self._report.must_hold()
            is_ours = bool(run(update(Notice).where(Notice.id == letter.id, *free, as_it_was).values(**values)))
            db.session.commit()
        return is_ours

    def _handed_over(self, letter: Notice, addressee: Addressee | None) -> tuple[NoticeStep, Answer]:
        """Whatever is wrong with this letter holds up no other."""
        self._is_asked = False
        try:
            message, to, why = self._written(letter, addressee)
        except Exception as error:
            log.exception("letter %d cannot be written", letter.id)
            return _step_after(letter, Kind.LATER), Answer(Kind.NEVER, 0, f"It cannot be written: {type(error).__name__}: {error}")
        finally:
            db.session.rollback()  # nobody waits for us while the relay is slow
        if message is None:
            return NoticeStep.EMPTY, Answer(Kind.NEVER, 0, why)
        self._is_asked = True
        answer = self._round.give(message, "", to)
        return _step_after(letter, answer.kind), answer

    def _written(self, letter: Notice, addressee: Addressee | None) -> tuple[bytes | None, str, str]:
        """The message and where it goes; or why there is none."""
        if letter.revoked_at is not None:
            return None, "", "It was made void before it went."
        if addressee is None:
            return None, "", "They want no letters any more."
        lines = lines_of(letter.id, int(current_app.config.get("NOTICE_MOST_LINES", 100)), self._lost.get(letter.owner, ()))
        if not lines:
            return None, "", "All that it would have told of was gone by then."
        return self._write(letter, addressee, lines), envelope_of(addressee.address), ""

    def _is_there(self) -> bool:
        """Asked before a letter is claimed: what was never given to anybody is nobody's to lose."""
        try:
            self._round.open()
        except Unavailable as error:
            self.why = str(error)
        return not self.why

    def _count(self, step: NoticeStep, answer: Answer) -> None:
        match step:
            case NoticeStep.SENT:
                self.sent += 1
            case NoticeStep.WAITING:
                self.later += 1
            case NoticeStep.EMPTY:
                self.empty += 1
            case _:
                self.failed += 1
        self._report.progress(self.sent + self.failed + self.later + self.empty)
        if self._is_asked and not _is_of_recipient(answer):  # a stranger may have made up a thousand of them
            self._in_a_row = self._in_a_row + 1 if answer.kind is Kind.LATER else 0
            self._refused = 0 if step is NoticeStep.SENT else self._refused + (step is NoticeStep.FAILED and answer.code > 0)
        if self._in_a_row >= _MOST_IN_A_ROW:
            self.why = f"The relay takes no letters now: {answer.words}"
        elif self._refused >= _MOST_REFUSED:
            self.is_refused, self.why = True, f"The relay refuses all letters: {answer.words}"

    def _wait(self) -> None:
        """So that they go evenly."""
        self._next_at = max(self._next_at, monotonic() - 1.0) + 60 / current_app.config["NOTICE_RATE"]
        while (left := self._next_at - monotonic()) > 0 and not self._report.is_over():
            time.sleep(min(left, 0.5))


def _people(found: Sequence[Notice]) -> tuple[dict[str, Addressee], dict[str, set[str]]]:
    """Whom these letters tell, and of which addresses they are told no longer."""
    told = addresses_told([letter.id for letter in found]) if found else {}
    still = still_told(told)
    came_to = {letter.owner: min(still.get(letter.owner) or told.get(letter.owner) or {""}) for letter in found}
    return addressees_of(came_to), {owner: lost for owner, every in told.items() if (lost := every - still[owner])}


def _is_of_recipient(answer: Answer) -> bool:
    """By the relay's own words it is this address alone that nothing can be sent to: neither we nor the relay are to blame."""
    return answer.kind in (Kind.LATER, Kind.NEVER) and _OF_RECIPIENT.match(answer.words) is not None


def _step_after(letter: Notice, kind: Kind) -> NoticeStep:
    match kind:
        case Kind.SENT:
            return NoticeStep.SENT
        case Kind.UNKNOWN:
            return NoticeStep.UNKNOWN
        case Kind.LATER if letter.tries <= len(_AFTER_MINUTES):
            return NoticeStep.WAITING
    return NoticeStep.FAILED


def _record(letter: Notice, step: NoticeStep, answer: Answer) -> None:
    """Also where it was given up meanwhile: this is what became of it."""
    now = stored_now()
    values: dict[str, Any] = {"state": step.value, "answer": _cut(answer.words), "next_try_at": None, "ended_at": now}
    if step is NoticeStep.WAITING:
        values |= {"ended_at": None, "next_try_at": now + timedelta(minutes=_AFTER_MINUTES[letter.tries - 1])}
    with cast(PanelSession, db.session()).begin_writing():
        if step in _SETTLED and _settled(letter.id, step, 0) is not None:
            values["next_try_at"] = now  # the others' turn comes in finish()
        ours = (Notice.id == letter.id, Notice.tries == letter.tries, Notice.state.in_(_CLAIMED))
        if run(update(Notice).where(*ours).values(**values)):
            db.session.commit()
        else:
            db.session.rollback()


def _settled(letter_id: int, step: NoticeStep, after: int) -> int | None:
    """Joins a transaction: so many of a letter's mails say what became of them. None, or after which one there are more."""
    ids = mails_of_letter(letter_id, after, _MAILS)
    if ids:
        say_sent(ids) if step is NoticeStep.SENT else forget_lines(letter_id, ids)
    return ids[-1] if len(ids) == _MAILS else None


def finish(report: Report) -> None:
    """What somebody has left half done: letters that were claimed, and mails of long ones."""
    for letter_id in lost_letters(stored_now() - _LOST_AFTER, _AT_ONCE):
        tried(partial(_give_up, letter_id))
    for letter_id, step in unsettled_letters(_AT_ONCE):
        after: int | None = 0
        while after is not None and not report.is_over():
            after = tried(partial(_settle_piece, letter_id, NoticeStep(step), after))


def _settle_piece(letter_id: int, step: NoticeStep, after: int) -> int | None:
    with cast(PanelSession, db.session()).begin_writing():
        upto = _settled(letter_id, step, after)
        if upto is None:
            run(update(Notice).where(Notice.id == letter_id, Notice.state == step.value).values(next_try_at=None))
        db.session.commit()
    return upto


def _give_up(letter_id: int) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        lost = (Notice.id == letter_id, Notice.state == NoticeStep.SENDING.value, Notice.claimed_at < stored_now() - _LOST_AFTER)
        values = {"state": NoticeStep.UNKNOWN.value, "ended_at": stored_now(), "answer": _GIVEN_UP}
        if run(update(Notice).where(*lost).values(**values)):
            log.warning("letter %d: nobody knows whether it went, so it is not sent again", letter_id)
        db.session.commit()


def _cut(words: str) -> str:
    return words if len(words) <= NOTICE_WORDS else words[: NOTICE_WORDS - 1] + "…"
