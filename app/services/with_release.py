"""With a release, one click each: learn it as ham, allow its sender, tell that it was wrong. None of them keeps the mail from going."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum, unique

from flask_babel import gettext as _

from app.actor import Actor
from app.errors import Conflict, MailkeepError
from app.extensions import db
from app.queries.maps import map_called
from app.queries.with_release import MayAlso
from app.rspamd.lessons import Lesson
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import read_value
from app.services.learning import learn
from app.services.map_change import Wanted
from app.services.map_entries import add_entry
from app.services.requests import tell_wrong

log = logging.getLogger(__name__)


@unique
class Also(StrEnum):
    LEARN = "learn"
    ALLOW = "allow"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it, in a sentence."""

    is_done: bool
    words: str


def do_also(may: MayAlso, mail_id: int, wanted: Collection[Also], *, comment: str = "", actor: Actor) -> list[Told]:
    """In the order of Also. Each by itself: what fails keeps none of the others from being done."""
    told: list[Told] = []
    for also in (each for each in Also if each in wanted):
        try:
            match also:
                case Also.LEARN:
                    told += _learn(may, mail_id, actor)
                case Also.ALLOW:
                    told += _allow(may, actor)
                case Also.WRONG:
                    told += _tell(may, mail_id, comment, actor)
        except MailkeepError as error:
            db.session.rollback()
            told.append(Told(False, str(error)))
        except Exception:
            log.exception("mail %d: %s failed beside its release", mail_id, also)
            db.session.rollback()
            told.append(Told(False, _("Something failed beside the release; the log says what.")))
    return told


def _learn(may: MayAlso, mail_id: int, actor: Actor) -> list[Told]:
    taught = learn(may.learning, mail_id, Lesson.HAM, actor=actor)
    said = _("The mail is learned as ham.") if taught.is_good else _("The mail is not learned as ham: %(why)s", why=taught.reply)
    return [Told(taught.is_good, said)]


def _allow(may: MayAlso, actor: Actor) -> list[Told]:
    if not may.offers:
        return [Told(False, _("There is no list of yours that could allow this sender."))]
    told = []
    for offer in may.offers:
        pair = {"sender": offer.value.partition("|")[0], "rcpt": offer.rcpt}
        try:
            found = map_called(may.reach, offer.map_name)
            add_entry(may.reach, found, Wanted(read_value(MapKind(found.kind), offer.value)), actor=actor)
        except Conflict:  # somebody has, before or just now
            db.session.rollback()
            told.append(Told(True, _("Mail from %(sender)s to %(rcpt)s was allowed already.", **pair)))
        else:
            told.append(Told(True, _("From now on mail from %(sender)s to %(rcpt)s is allowed.", **pair)))
    return told


def _tell(may: MayAlso, mail_id: int, comment: str, actor: Actor) -> list[Told]:
    is_new = tell_wrong(may.telling, mail_id, may.telling.addresses, comment, actor=actor)
    return [Told(True, _("It is told that this mail was wrongly held back.") if is_new else _("That was told already."))]
