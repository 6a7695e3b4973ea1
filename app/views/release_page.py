"""What the page of a mail says of its releases: to whom it can be sent on, and what has become of those it was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.clock import stored_now
from app.errors import BadRequest
from app.models import Listing, Mail, Mode, Release, Step
from app.queries.learning import NOTHING as NO_LEARNING
from app.queries.releases import NOTHING, newest_by_address, recipients_to_release, releases_of, releasing_of
from app.queries.requests import Asking
from app.queries.visibility import scope_of
from app.queries.with_release import MayAlso, may_also_of
from app.services.controllers import nodes_to_teach
from app.services.release import MOST_AT_ONCE, can_release
from app.services.release_elsewhere import NO_ANSWER
from app.services.with_release import Also

_AGAIN_SECONDS, _RETRY_SECONDS = 1, 15
_MOST_SHOWN = 200
# Tone, icon, word.
STEPS: dict[str, tuple[str, str, Any]] = {
    Step.WAITING: ("wait", "fa-clock-o", _l("waits")),
    Step.SENDING: ("wait", "fa-clock-o", _l("being sent")),
    Step.SENT: ("good", "fa-check", _l("sent")),
    Step.FAILED: ("bad", "fa-ban", _l("not sent")),
    Step.CANCELLED: ("plain", "fa-undo", _l("undone")),
    Step.UNKNOWN: ("warn", "fa-question-circle", _l("unknown")),
}
_TRIED_AGAIN = ("warn", "fa-refresh", _l("not sent yet"))


MODES: dict[str, Any] = {Mode.AS_IT_WAS: _l("as it came"), Mode.ATTACHED: _l("as an attachment")}


@dataclass(frozen=True, slots=True)
class Offered:
    """A recipient to whom the mail can be released."""

    target: str
    mark: tuple[str, str, Any] | None
    """How the last one went."""
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A release, in words."""

    row: Release
    mark: tuple[str, str, Any]
    reply: str
    seconds: int
    """Until it goes."""
    may_undo: bool


def release_of(user: Any, mail: Mail, sm: Any) -> dict[str, Any] | None:
    """None where there is nothing to say."""
    may = mail.is_stored and can_release() and sm.has_access("can_release", "ReleaseView")
    releasing = releasing_of(user, mail) if may else NOTHING
    offered = _offered(mail, recipients_to_release(mail.id, releasing)[:_MOST_SHOWN])
    has_rows = bool(releases_of(mail.id, scope_of(user)))
    is_withheld = bool(may and mail.has_virus and releasing == NOTHING)
    if not (offered or has_rows or is_withheld or releasing.others):
        return None
    told = {"offered": offered, "others": releasing.others, "has_rows": has_rows, "is_withheld": is_withheld, "most": MOST_AT_ONCE}
    targets = [each.target.lower() for each in offered]
    return told | {"modes": MODES, "mode": current_app.config["RELEASE_MODE"], "also": _also(also_for(user, mail, targets, sm))}


def asked_mode(text: str) -> Mode | None:
    """None where nobody has chosen."""
    try:
        return Mode(text) if text else None
    except ValueError:
        raise BadRequest(_("That is no way to release a mail.")) from None


def also_for(user: Any, mail: Mail, targets: Sequence[str], sm: Any) -> MayAlso:
    """As far as the permissions for the screens of each of these go."""
    may = may_also_of(user, mail, targets)
    if not (sm.has_access("can_learn", "LearningView") and nodes_to_teach()):
        may = replace(may, learning=NO_LEARNING)
    if not sm.has_access("can_edit", "MapView"):
        may = replace(may, offers=())
    return may if sm.has_access("can_ask", "RequestView") else replace(may, telling=Asking(0))


def _also(may: MayAlso) -> list[tuple[Also, str]]:
    """What is offered besides, in words."""
    senders = ", ".join(dict.fromkeys(offer.value.partition("|")[0] for offer in may.offers if not offer.is_there))
    found = [(Also.LEARN, _("learn it as ham"))] if may.learning.bayes else []
    found += [(Also.ALLOW, _("allow %(sender)s for me", sender=senders))] if senders else []
    return found + ([(Also.WRONG, _("tell the administrators that it was wrongly held back"))] if may.telling.addresses else [])


def still_open(user: Any, mail: Mail) -> list[str]:
    """To whom it can be released without a further thought."""
    offered = _offered(mail, recipients_to_release(mail.id, releasing_of(user, mail))[:MOST_AT_ONCE])
    return [each.target for each in offered if each.is_ticked]


def _offered(mail: Mail, recipients: Sequence[Any]) -> list[Offered]:
    newest = newest_by_address(mail.id, [row.address for row in recipients])
    found = []
    for row in recipients:
        last = newest.get(row.address)
        if last is None or not last.is_under_way:
            is_open = last is None or last.state in (Step.FAILED, Step.CANCELLED)
            is_ticked = is_open and row.personal != Listing.DENY  # whose own list blocks it has not asked for it
            found.append(Offered(row.given or row.address, mark_of(last) if last else None, is_ticked))
    return found


def told_of(user: Any, mail: Mail, may_release: bool) -> dict[str, Any]:
    rows, now = releases_of(mail.id, scope_of(user)), stored_now()
    releasing = releasing_of(user, mail) if may_release else NOTHING
    told = [
        Told(
            row,
            mark_of(row),
            _reply_of(row),
            max(0, math.ceil((row.due_at - now).total_seconds())),
            may_undo=releasing.scope.owns(row.address) and (row.state == Step.WAITING or row.is_tried_again),
        )
        for row in rows[:_MOST_SHOWN]
    ]
    return {"rows": told, "again": _again([each for each in told if each.row.is_under_way]), "node": current_app.config["NODE_NAME"]}


def _reply_of(row: Release) -> str:
    if row.reply == NO_ANSWER:
        return str(_("%(node)s does not answer; it sends the mail when it is back.", node=row.node)) if row.state == Step.WAITING else ""
    return str(_(row.reply)) if row.reply else ""


def mark_of(row: Release) -> tuple[str, str, Any]:
    return _TRIED_AGAIN if row.is_tried_again else STEPS[row.state]


def _again(under_way: list[Told]) -> int | None:
    """In how many seconds there may be something new; None: nothing will be."""
    soon = [max(each.seconds, _AGAIN_SECONDS) for each in under_way if not (each.row.is_tried_again or each.row.reply == NO_ANSWER)]
    return min(soon, default=_RETRY_SECONDS if under_way else None)
