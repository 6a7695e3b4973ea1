"""What the page of a mail says of requests, and how their states are called."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.models import Asks, Decision, Mail, MailRequest
from app.models.request import SAID_LENGTH
from app.queries.requests import Meanwhile, asking_of, deciding_of, gone_among, requests_of, requests_to_decide
from app.queries.visibility import scope_of
from app.services.release import can_release

# Tone, icon, word.
DECISIONS: dict[str, tuple[str, str, Any]] = {
    Decision.OPEN: ("wait", "fa-clock-o", _l("waits for a decision")),
    Decision.APPROVED: ("good", "fa-check", _l("approved")),
    Decision.DENIED: ("bad", "fa-ban", _l("denied")),
    Decision.OVERTAKEN: ("plain", "fa-check", _l("released meanwhile")),
    Decision.CLOSED: ("plain", "fa-check", _l("read")),
}
_UNREAD = ("wait", "fa-clock-o", _l("not read yet"))
ASKS: dict[str, Any] = {Asks.RELEASE: _l("Release requested"), Asks.WRONG: _l("Told: wrongly held back")}
FATES: dict[str, tuple[str, str, Any]] = {
    Meanwhile.RELEASED: ("good", "fa-share", _l("it went there meanwhile")),
    Meanwhile.NO_COPY: ("bad", "fa-chain-broken", _l("its copy is gone: it cannot be released")),
    Meanwhile.GONE: ("bad", "fa-trash", _l("the mail is gone")),
}


def decision_of(row: MailRequest) -> tuple[str, str, Any]:
    return _UNREAD if row.is_open and row.asks == Asks.WRONG else DECISIONS[row.state]


def decided_words(decision: Decision, count: int) -> Any:
    match decision:
        case Decision.APPROVED:
            return ngettext("%(num)s request is approved: the mail goes.", "%(num)s requests are approved: the mails go.", count)
        case Decision.DENIED:
            return ngettext("%(num)s request is denied.", "%(num)s requests are denied.", count)
        case Decision.OVERTAKEN:
            return ngettext(
                "%(num)s mail went there meanwhile: nothing was sent again.",
                "%(num)s mails went there meanwhile: nothing was sent again.",
                count,
            )
    return ngettext("%(num)s is closed.", "%(num)s are closed.", count)


WORDS: dict[str, Any] = {"decision_of": decision_of, "asks": ASKS, "fates": FATES, "longest": SAID_LENGTH}


@dataclass(frozen=True, slots=True)
class OnPage:
    """A request on the page of its mail."""

    row: MailRequest
    may_decide: bool


def requests_on(user: Any, mail: Mail, sm: Any) -> dict[str, Any] | None:
    """None where there is nothing to say."""
    may_ask = can_release() and sm.has_access("can_ask", "RequestView")
    rows = requests_of(mail.id, scope_of(user))
    taken = {row.address for row in rows if row.asks == Asks.RELEASE and row.state in (Decision.OPEN, Decision.DENIED)}
    asking = asking_of(user, mail).addresses if may_ask else ()
    gone = gone_among(mail.id, asking)
    free = [address for address in asking if address not in taken | gone]
    if not (rows or free):
        return None
    deciding = deciding_of(user)
    theirs = requests_to_decide(deciding, [row.id for row in rows if row.is_open])
    shown = [OnPage(row, row.id in theirs) for row in rows]
    return {"rows": shown, "addresses": free, **WORDS}
