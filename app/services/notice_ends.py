"""What becomes of letters, written down: one is claimed before it is given away, its end is recorded, and its mails say so."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import bindparam, update

from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models import Notice, NoticeStep
from app.models.notice import NOTICE_WORDS
from app.queries.notices import lost_letters, mails_of_letter, mails_of_letters, those_in, unsettled_letters
from app.services.job import Report
from app.services.moves import run
from app.services.notice_lines import forget_lines, say_sent
from app.services.tries import tried

log = logging.getLogger(__name__)

AFTER_MINUTES = (5, 15, 60, 240, 480, 480, 480)
"""How long after each try that failed for now; after the last there is no other."""
_LOST_AFTER = timedelta(minutes=10)
_AT_ONCE, _MAILS = 100, 1000
_CLAIMED = (NoticeStep.SENDING.value, NoticeStep.UNKNOWN.value)
_SETTLED = (NoticeStep.SENT, NoticeStep.EMPTY)
_GIVEN_UP = "Whoever sent it ended in the middle: it may have gone, and is not sent again."
# Thousands are sent one after the other: these are put into words once.
_LETTER: Any = Notice.__table__
_CLAIM = (
    update(_LETTER)
    .where(_LETTER.c.id == bindparam("letter"), _LETTER.c.tries == bindparam("tried"), _LETTER.c.state == NoticeStep.WAITING.value)
    .where(_LETTER.c.next_try_at <= bindparam("now"), _LETTER.c.revoked_at.is_(None))
    .values(state=NoticeStep.SENDING.value, claimed_at=bindparam("now"), next_try_at=None, tries=_LETTER.c.tries + 1)
    .values(address=bindparam("to"))
)
_OURS = (_LETTER.c.id == bindparam("letter"), _LETTER.c.tries == bindparam("tried"))
_END: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("state", "answer", "next_try_at", "ended_at", "tries")}
# Also where it was given up meanwhile: this is what became of it.
_RECORD = update(_LETTER).where(*_OURS, _LETTER.c.state.in_(_CLAIMED)).values(**_END)
_ASIDE = update(_LETTER).where(*_OURS, _LETTER.c.state == NoticeStep.WAITING.value).values(**_END)


def place_of(tries: int) -> int:
    """Of the last try in its round."""
    return (tries - 1) % (len(AFTER_MINUTES) + 1)


@dataclass(frozen=True, slots=True)
class End:
    """Of one try of a letter."""

    letter: Notice
    tries: int
    """With this one."""
    step: NoticeStep
    words: str

    def values(self, tried_before: int, now: datetime) -> dict[str, Any]:
        """What is sent, or told nobody, has a time to be looked at until its mails say so, too."""
        ends = self.step is not NoticeStep.WAITING
        next_at = now if self.step in _SETTLED else None if ends else now + timedelta(minutes=AFTER_MINUTES[place_of(self.tries)])
        new = {"state": self.step.value, "answer": _cut(self.words), "next_try_at": next_at, "tries": self.tries}
        new["ended_at"] = now if ends else None
        return {"letter": self.letter.id, "tried": tried_before, **{f"new_{name}": value for name, value in new.items()}}


class Ledger:
    """A connection of its own for the steps of a handful: thousands are taken, one transaction each."""

    def __init__(self) -> None:
        self._connection = db.engine.execution_options(writes=True).connect()

    def close(self) -> None:
        self._connection.close()

    def step_on(self, end: End | None, letter: Notice | None = None, to: str = "") -> bool:
        """What became of a letter, and the next is claimed. Whether that is ours: not where somebody else has it by now, or it was made
        void. Its links count for the address that it goes to now."""
        return tried(partial(self._step_on, end, letter, to))

    def _step_on(self, end: End | None, letter: Notice | None, to: str) -> bool:
        now = stored_now()
        with self._connection.begin():
            if end is not None:
                self._connection.execute(_RECORD, end.values(end.tries, now))
            if letter is None:
                return False
            return bool(self._connection.execute(_CLAIM, {"letter": letter.id, "tried": letter.tries, "now": now, "to": to}).rowcount)


def settle(sent: Sequence[Notice], aside: Sequence[End]) -> None:
    """One transaction for a handful. `aside`: what was not for the relay, and claimed by nobody. Of letters that tell of very many mails
    finish() sees to the mails."""
    ids = [letter.id for letter in sent if letter.mails <= _MAILS]
    with cast(PanelSession, db.session()).begin_writing():
        now, empty = stored_now(), list[int]()
        for end in aside:
            is_ours = cast(Any, db.session.execute(_ASIDE, end.values(end.tries - 1, now))).rowcount
            if is_ours and end.step is NoticeStep.EMPTY and _settled(end.letter.id, end.step, 0) is None:
                empty.append(end.letter.id)
        went = those_in(ids, NoticeStep.SENT) if ids else []
        if mails := mails_of_letters(went) if went else []:
            say_sent(mails)
        if done := sorted([*went, *empty]):
            states = [step.value for step in _SETTLED]
            run(update(_LETTER).where(_LETTER.c.id.in_(done), _LETTER.c.state.in_(states)).values(next_try_at=None))
        db.session.commit()


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
