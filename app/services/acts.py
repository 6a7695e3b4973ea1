"""What can be done to many mails: each act does one mail at a time, and may be done to it again without harm."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from app.actor import Actor
from app.errors import Conflict, NotAllowed, NotFound
from app.models import Extent, Listing, Mail, ResultKind, Step
from app.queries.deletions import deleting_of
from app.queries.learning import learning_of
from app.queries.releases import newest_by_address, recipients_to_release, releasing_of
from app.queries.visibility import roles_here
from app.roles import Grant
from app.rspamd.lessons import Lesson
from app.services import deletion, learning, release
from app.services.controllers import nodes_to_teach
from app.services.moves import can_be_undone_until
from app.services.release import MOST_AT_ONCE

VIRUSES = "viruses"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one mail: DONE, WAITING, SKIPPED or FAILED; the words say why."""

    kind: ResultKind
    words: str = ""
    undo: tuple[int, ...] = ()
    """What the act's undo is given."""
    until: datetime | None = None


Run = Callable[[Any, Mail, Collection[str], Actor], Outcome]
Undo = Callable[[Any, Mail, Sequence[int], Actor], None]


@dataclass(frozen=True, slots=True)
class Act:
    name: str
    grant: Grant
    """Whoever has it may do it to one mail."""
    is_offered: Callable[[Any], bool]
    """To this user, here and now."""
    run: Run
    undo: Undo | None = None
    """Of what waits: Conflict where it is too late."""
    options: tuple[str, ...] = ()
    is_destructive: bool = False
    """Then the number of mails is typed before it begins."""


def skipped(words: str) -> Outcome:
    return Outcome(ResultKind.SKIPPED, words)


# --- release ------------------------------------------------------------------------------------------------------------------


def _may_release(user: Any) -> bool:
    return release.can_release() and bool(roles_here(user) & set(current_app.config["RELEASE_ROLES"]))


def _release(user: Any, mail: Mail, options: Collection[str], actor: Actor) -> Outcome:
    """To those whom a click on the mail's page would offer ticked."""
    if mail.has_virus and VIRUSES not in options:
        return skipped(_("A virus was found in it."))
    if not mail.is_stored:
        return skipped(_("No copy of this mail was kept."))
    mail_id, releasing = mail.id, releasing_of(user, mail)
    theirs = recipients_to_release(mail_id, releasing)
    if not theirs:
        return skipped(_("It is not yours to release."))
    wanted = [row for row in theirs if row.personal != Listing.DENY]
    if not wanted:
        return skipped(_("The recipient's own list blocks it."))
    newest = newest_by_address(mail_id, [row.address for row in wanted])
    targets = []
    for row in wanted:
        last = newest.get(row.address)
        if last is None or (last.state in (Step.FAILED, Step.CANCELLED) and not last.is_tried_again):
            targets.append(row.given or row.address)
    if not targets:
        is_under_way = any(each.is_under_way for each in newest.values())
        return skipped(_("It is on its way already.") if is_under_way else _("It was released before."))
    until, ids = can_be_undone_until(), []
    for start in range(0, len(targets), MOST_AT_ONCE):
        piece = targets[start : start + MOST_AT_ONCE]
        ids += release.ask(releasing, mail_id, piece, sure=mail.has_virus, actor=actor)
    return Outcome(ResultKind.WAITING, undo=tuple(ids), until=until)


def _undo_release(user: Any, mail: Mail, ids: Sequence[int], actor: Actor) -> None:
    mail_id, releasing, undone, late = mail.id, releasing_of(user, mail), 0, None
    for release_id in ids:
        try:
            release.undo(releasing, mail_id, release_id, actor=actor)
            undone += 1
        except (Conflict, NotFound) as error:
            late = error
    if late is not None and not undone:
        raise late


# --- teach --------------------------------------------------------------------------------------------------------------------


def _may_teach(user: Any) -> bool:
    return bool(roles_here(user) & set(current_app.config["LEARN_ROLES"]) and nodes_to_teach())


def _teach(lesson: Lesson) -> Run:
    def run(user: Any, mail: Mail, options: Collection[str], actor: Actor) -> Outcome:  # noqa: ARG001
        if not mail.is_stored:
            return skipped(_("No copy of this mail was kept."))
        taught = learning.learn(learning_of(user, mail), mail.id, lesson, actor=actor)
        return Outcome(ResultKind.DONE) if taught.is_good else Outcome(ResultKind.FAILED, taught.reply)

    return run


# --- delete -------------------------------------------------------------------------------------------------------------------


def _may_delete(setting: str) -> Callable[[Any], bool]:
    return lambda user: bool(roles_here(user) & set(current_app.config[setting]))


def _delete(extent: Extent) -> Run:
    def run(user: Any, mail: Mail, options: Collection[str], actor: Actor) -> Outcome:  # noqa: ARG001
        if extent is Extent.COPY and not mail.is_stored:
            return skipped(_("No copy of this mail was kept."))
        until, mail_id = can_be_undone_until(), mail.id
        asked = deletion.ask(deleting_of(user, mail), mail_id, extent, actor=actor)
        return Outcome(ResultKind.WAITING, undo=(asked,), until=until)

    return run


def _undo_delete(user: Any, mail: Mail, ids: Sequence[int], actor: Actor) -> None:  # noqa: ARG001
    deletion.undo(deleting_of(user, mail), mail.id, actor=actor)


_TO_TEACH: Grant = ("can_learn", "LearningView")
_TO_DELETE: Grant = ("can_delete", "DeletionView")
ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        Act("release", ("can_release", "ReleaseView"), _may_release, _release, _undo_release, options=(VIRUSES,)),
        Act("learn_spam", _TO_TEACH, _may_teach, _teach(Lesson.SPAM)),
        Act("learn_ham", _TO_TEACH, _may_teach, _teach(Lesson.HAM)),
        Act("delete_copy", _TO_DELETE, _may_delete("DELETE_COPY_ROLES"), _delete(Extent.COPY), _undo_delete, is_destructive=True),
        Act("delete_mail", _TO_DELETE, _may_delete("DELETE_ROLES"), _delete(Extent.MAIL), _undo_delete, is_destructive=True),
    )
}
SAID_NO = (Conflict, NotAllowed)
"""Where an act raises one of these nothing was to be done, or not by who asked: the mail is passed over."""
