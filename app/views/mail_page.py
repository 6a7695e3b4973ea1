"""All that the page of one mail says, brought into the form it is shown in."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from app.mime.headers import decode_value, parse_headers
from app.mime.hops import hops_of
from app.models import Mail, MailDetail, MailRecipient
from app.queries.mail import detail_of, headers_of, recipients_of
from app.queries.scope import Scope
from app.queries.visibility import scope_of
from app.rspamd.actions import Action
from app.rspamd.authentication import Verdict, checks_of
from app.views.reasons import reasons, sentence_of

_MOST_REASONS = 6
MEANINGS: dict[str, Any] = {
    Action.NO_ACTION: _l("Delivered."),
    Action.ACCEPT: _l("Delivered without a look."),
    Action.ADD_HEADER: _l("Delivered, marked as spam: most mailboxes put it into the junk folder."),
    Action.REWRITE_SUBJECT: _l("Delivered, with a warning in its subject."),
    Action.GREYLIST: _l("Put off: the sending server was asked to try again later."),
    Action.SOFT_REJECT: _l("Put off for now: the sending server was asked to try again later."),
    Action.REJECT: _l("Refused: it was not delivered, and the sender was told."),
    Action.DISCARD: _l("Dropped: it was not delivered, and nobody was told."),
    Action.QUARANTINE: _l("Held back: it was not delivered."),
}
VERDICTS: dict[Verdict, tuple[str, Any]] = {
    Verdict.PASSED: ("good", _l("passed")),
    Verdict.FAILED: ("bad", _l("failed")),
    Verdict.WEAK: ("warn", _l("weak")),
    Verdict.NONE: ("plain", _l("not used")),
    Verdict.UNSURE: ("wait", _l("not sure")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A reason in words; `share` is its part of the heaviest one, 0 to 100."""

    sentence: str
    score: float
    share: int


@dataclass(frozen=True, slots=True)
class Distance:
    """Of the score to the nearest threshold."""

    action: str
    threshold: float
    gap: float
    """Below zero: the threshold was passed by so much."""


def page_of(mail: Mail, user: Any) -> dict[str, Any]:
    detail = detail_of(mail.id)
    symbols = symbols_of(detail)
    told = [Told(sentence_of(one.reason, one.score), one.score, 0) for one in reasons().weigh(symbols)]
    heaviest = max((abs(one.score) for one in told), default=1.0)
    told = [Told(one.sentence, one.score, max(2, round(abs(one.score) / heaviest * 100))) for one in told]
    headers = headers_of(detail, user) if detail else ""
    recipients = recipients_of(mail.id, user)
    fields = parse_headers(headers.encode("utf-8", "replace"))
    return {
        "detail": detail,
        "headers": headers,
        "recipients": recipients,
        "wishes": wishes_in(recipients, scope_of(user)),
        "meaning": MEANINGS.get(mail.action, ""),
        "against": [one for one in told if one.score > 0][:_MOST_REASONS],
        "favour": [one for one in told if one.score < 0][:_MOST_REASONS],
        "distance": _distance(mail.score),
        "checks": [(check, *VERDICTS[check.verdict]) for check in checks_of(symbols, mail.mail_from_domain)],
        "hops": hops_of(decode_value(value) for name, value in fields if name == "received"),
        "fields": [(name, decode_value(value)) for name, value in fields],
        "country": current_app.extensions["mailkeep_countries"].country_of(mail.ip) if mail.ip else None,
    }


def wishes_in(recipients: Iterable[MailRecipient], scope: Scope) -> dict[str, str]:
    """By address the mark of what its personal list says, for those who may know."""
    whose = "personal" if scope.everything or scope.domains else "own"
    told = (recipient for recipient in recipients if recipient.personal and scope.owns(recipient.address))
    return {recipient.address: f"{whose}_{recipient.personal}" for recipient in told}


def symbols_of(detail: MailDetail | None) -> list[dict[str, Any]]:
    """Heaviest first, in either direction."""
    try:
        found = json.loads(detail.symbols) if detail else []
    except ValueError:
        return []
    return sorted(found, key=lambda symbol: -abs(symbol.get("score", 0)))


def _distance(score: float) -> Distance | None:
    """To the highest threshold that was passed where one was, else to the first there is."""
    thresholds = sorted((value, action) for action, value in current_app.config["SCORE_THRESHOLDS"].items())
    if not thresholds:
        return None
    passed = [each for each in thresholds if each[0] <= score]
    value, action = passed[-1] if passed else thresholds[0]
    return Distance(action, value, round(value - score, 2))
