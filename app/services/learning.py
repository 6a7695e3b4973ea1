"""Rspamd is taught with a stored mail: claimed in a row before, so that nobody else does meanwhile, and the row says what came of it."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import Conflict, MailkeepError, NotAllowed, NotFound, Unavailable
from app.extensions import PanelSession, db
from app.models import Mail, MailLesson, Verb
from app.queries.learning import Learning, lessons_of
from app.rspamd.lessons import Heard, Learnt, Lesson, teach
from app.services.audit import record
from app.services.controllers import controller_of, nearest_of, nodes_to_teach
from app.services.copies import must_be_kept, raw_of
from app.services.moves import changed, locked
from app.services.tries import tried

log = logging.getLogger(__name__)

LOST_AFTER = timedelta(minutes=5)
"""Who claimed it longer ago will not say any more what became of it."""


class Again(Conflict):
    """It was taught already: it may be taught once more, once somebody has said that it is meant."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What came of it, as the kept row has it."""

    id: int
    lesson: Lesson
    state: Learnt
    reply: str
    node: str

    @property
    def is_good(self) -> bool:
        return self.state in (Learnt.DONE, Learnt.KNOWN)


def learn(learning: Learning, mail_id: int, lesson: Lesson, *, sure: bool = False, actor: Actor) -> Taught:
    """That Rspamd says no, or nothing at all, is no error here but what came of it. `sure`: also what it was taught already."""
    if not (learning.fuzzy if lesson.is_fuzzy else learning.bayes):
        raise NotAllowed(_("You may not teach Rspamd with this mail."))
    lesson_id, node = _claim(mail_id, lesson, sure, actor)
    heard = _ask(mail_id, lesson, node)
    log.info("mail %d as %s to %s: %s %s", mail_id, lesson, node, heard.learnt, heard.words)
    tried(partial(_record, mail_id, lesson_id, lesson, heard, actor))
    return Taught(lesson_id, lesson, heard.learnt, heard.words, node)


def teacher_of(mail: Mail) -> str:
    """The nearest that has a controller: they mostly share what they learn."""
    found = nearest_of(nodes_to_teach(), mail)
    if found is None:
        raise Unavailable(_("No node has a controller that could be taught (flask nodes edit --controller)."))
    return found


def known_as(rows: list[MailLesson], lesson: Lesson) -> MailLesson | None:
    """The last thing that it was taught, of this lesson and its opposite."""
    good = (row for row in rows if row.state in (Learnt.DONE, Learnt.KNOWN) and row.lesson in (lesson, lesson.opposite))
    return next(good, None)


def is_under_way(row: MailLesson) -> bool:
    return row.state == Learnt.ASKED and row.at > stored_now() - LOST_AFTER


def _claim(mail_id: int, lesson: Lesson, sure: bool, actor: Actor) -> tuple[int, str]:
    try:
        with cast(PanelSession, db.session()).begin_writing():
            mail = locked(mail_id)
            must_be_kept(mail)
            node = teacher_of(mail)
            rows = list(lessons_of(mail_id))
            if any(is_under_way(row) for row in rows):
                raise _busy()
            last = known_as(rows, lesson)
            if last is not None and last.lesson == lesson and not sure:
                raise Again(_("Rspamd was taught this mail so already."))
            row = MailLesson(
                mail_id=mail_id,
                number=rows[0].number + 1 if rows else 1,
                lesson=lesson.value,
                node=node,
                state=Learnt.ASKED.value,
                reply="",
                asked_by=actor.name,
                on_behalf_of=actor.on_behalf_of,
                at=stored_now(),
            )
            db.session.add(row)
            db.session.flush()
            found = row.id, node
            record(actor, Verb.MAIL_LEARNED, "mail", mail_id, after={"step": "asked", "lesson": lesson.value, "node": node})
            db.session.commit()
    except IntegrityError:
        raise _busy() from None
    return found


def _ask(mail_id: int, lesson: Lesson, node: str) -> Heard:
    try:
        mail = db.session.get(Mail, mail_id)
        if mail is None:
            raise NotFound(_("There is no such mail."))
        raw, controller = raw_of(mail), controller_of(node, mail_id)
    except MailkeepError as error:
        return Heard(Learnt.FAILED, str(error))
    finally:
        db.session.rollback()  # nobody waits for us while Rspamd is slow
    try:
        return teach(controller, lesson, raw, flag=current_app.config["FUZZY_FLAG"], weight=current_app.config["FUZZY_WEIGHT"])
    except MailkeepError as error:
        return Heard(Learnt.FAILED, str(error))


def _record(mail_id: int, lesson_id: int, lesson: Lesson, heard: Heard, actor: Actor) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        ours = (MailLesson.id == lesson_id, MailLesson.state == Learnt.ASKED)
        if changed(update(MailLesson).where(*ours).values(state=heard.learnt.value, reply=heard.words[:500])):
            told = {"step": heard.learnt.value, "lesson": lesson.value} | ({"reply": heard.words[:500]} if heard.words else {})
            record(actor, Verb.MAIL_LEARNED, "mail", mail_id, after=told)
        db.session.commit()


def _busy() -> Conflict:
    return Conflict(_("Rspamd is being taught with this mail just now."))
