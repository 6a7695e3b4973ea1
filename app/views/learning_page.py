"""What the page of a mail says of Rspamd: what it was taught with it, and what it says of the mail today."""

import json
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.models import Mail, MailLesson, MailRescan
from app.queries.learning import NOTHING, Learning, learning_of, lessons_of, rescans_of
from app.queries.mail import detail_of
from app.queries.visibility import sees_all
from app.rspamd.lessons import Learnt, Lesson
from app.rspamd.rescan import Change, Compared, compared
from app.services.controllers import nodes_to_scan, nodes_to_teach
from app.services.learning import is_under_way
from app.services.rescanning import scanner_for
from app.views.mail_page import symbols_of

LESSONS: dict[str, Any] = {
    Lesson.SPAM: _l("spam"),
    Lesson.HAM: _l("ham"),
    Lesson.FUZZY_ADD: _l("added to the fuzzy storage"),
    Lesson.FUZZY_DELETE: _l("taken out of the fuzzy storage"),
}
# Tone, icon, word.
MARKS: dict[str, tuple[str, str, Any]] = {
    Learnt.ASKED: ("wait", "fa-clock-o", _l("being taught")),
    Learnt.DONE: ("good", "fa-check", _l("learned")),
    Learnt.KNOWN: ("plain", "fa-check", _l("known already")),
    Learnt.REFUSED: ("warn", "fa-ban", _l("not learned")),
    Learnt.FAILED: ("bad", "fa-ban", _l("failed")),
}
_LOST = ("warn", "fa-question-circle", _l("unknown"))
CHANGES: dict[str, tuple[str, Any]] = {
    Change.NEW: ("warn", _l("new")),
    Change.GONE: ("plain", _l("gone")),
    Change.OTHER: ("wait", _l("other score")),
    Change.SAME: ("plain", _l("same")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A lesson, in words."""

    row: MailLesson
    mark: tuple[str, str, Any]
    what: Any
    reply: str
    has_name: bool
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """What Rspamd says today, beside what it said."""

    row: MailRescan
    symbols: list[Compared]
    has_name: bool


def learning_for(user: Any, mail: Mail, sm: Any) -> dict[str, Any] | None:
    """None where there is nothing to say."""
    may = learning_of(user, mail) if mail.is_stored else NOTHING
    learns, rescans = (sm.has_access(f"can_{what}", "LearningView") for what in ("learn", "rescan"))
    teachers, scanners = nodes_to_teach(), nodes_to_scan()
    may = Learning(
        may.bayes and learns and bool(teachers), may.fuzzy and learns and bool(teachers), may.rescan and rescans and bool(scanners)
    )
    told = lessons_for(user, mail)
    has_rescans = sm.has_access("can_show", "LearningView") and bool(rescans_of(mail.id))
    if not (may != NOTHING or told or has_rescans):
        return None
    default = scanner_for(mail) if may.rescan else ""
    return {"may": may, "told": told, "has_rescans": has_rescans, "scanners": scanners, "default": default}


def lessons_for(user: Any, mail: Mail) -> list[Told]:
    return [_told(row, user) for row in lessons_of(mail.id)]


def _told(row: MailLesson, user: Any) -> Told:
    is_lost = row.state == Learnt.ASKED and not is_under_way(row)
    reply = _(row.reply) if row.reply else ""
    return Told(row, _LOST if is_lost else MARKS[row.state], LESSONS[row.lesson], reply, _names(row, user), is_lost)


def _names(row: MailLesson | MailRescan, user: Any) -> bool:
    """Who else looks after a mail is nobody's business but theirs who see all."""
    return sees_all(user) or row.asked_by == user.username


def rescans_for(user: Any, mail: Mail) -> list[Scanned]:
    before = symbols_of(detail_of(mail.id))
    return [Scanned(row, compared(before, json.loads(row.symbols)), _names(row, user)) for row in rescans_of(mail.id)]
