"""Letters of long ago are forgotten, with their lines and the use of their links; and lines that belong to none."""

from datetime import timedelta
from typing import cast

from flask import current_app
from sqlalchemy import delete, update

from app.clock import stored_now, utcnow
from app.extensions import PanelSession, db
from app.ids import first_id_at
from app.models import Notice, NoticeLine, NoticeStep, NoticeUse
from app.queries.notices import begun_for_nobody, lines_left_behind, mails_of_letter, old_letters
from app.services.moves import run

_LETTERS, _LINES = 50, 1000
_GIVEN_UP = "Ended before it was whole: they want no letters any more."
_LONGEST_WAIT = timedelta(days=31)
"""Of a line for its letter, and of that for the relay: what is older belongs to nothing any more."""


def forget_old() -> int:
    """A piece of them: how many letters and lines; nothing where there are none left."""
    days = timedelta(days=current_app.config["NOTICE_KEEP_DAYS"])
    with cast(PanelSession, db.session()).begin_writing():
        ids = old_letters(stored_now() - days, _LETTERS)
        done = next((count for letter_id in ids if (count := _forget_lines(letter_id))), 0)
        if ids and not done:
            run(delete(NoticeUse).where(NoticeUse.notice_id.in_(ids)))
            done = run(delete(Notice).where(Notice.id.in_(ids)))
        if not ids:
            done = _forget_strays(first_id_at(utcnow() - days - timedelta(days=current_app.config["NOTICE_MAX_DAYS"]) - _LONGEST_WAIT))
        db.session.commit()
    return done


def end_begun() -> int:
    """Letters to who was switched off while they were filled, say: nobody goes on with them, and what they took is told to nobody. Their
    lines go as those of all letters that told nobody, in the next run of the job `notices`."""
    with cast(PanelSession, db.session()).begin_writing():
        begun = (Notice.id.in_(begun_for_nobody(_LETTERS)), Notice.state == NoticeStep.WAITING.value, Notice.next_try_at.is_(None))
        now = stored_now()
        values = {"state": NoticeStep.EMPTY.value, "next_try_at": now, "ended_at": now, "answer": _GIVEN_UP}
        ended = run(update(Notice).where(*begun).values(**values))
        db.session.commit()
    return ended


def _forget_lines(letter_id: int) -> int:
    """Some of one letter's."""
    mails = mails_of_letter(letter_id, 0, _LINES)
    return run(delete(NoticeLine).where(NoticeLine.notice_id == letter_id, NoticeLine.mail_id.in_(mails))) if mails else 0


def _forget_strays(high: int) -> int:
    mails = lines_left_behind(high, _LINES)
    return run(delete(NoticeLine).where(NoticeLine.mail_id.in_(mails))) if mails else 0
