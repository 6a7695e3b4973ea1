"""Acts on many mails: how they are called, and a search that means the same later."""

from collections.abc import Iterable
from datetime import timedelta, tzinfo
from typing import Any

from flask_babel import lazy_gettext as _l

from app.clock import utcnow
from app.forms.search import Term
from app.models import ResultKind, RunState

# Icon, what the button says, what is asked.
ACT_WORDS: dict[str, tuple[str, Any, Any]] = {
    "release": ("fa-share", _l("Release"), _l("Release these mails?")),
    "learn_spam": ("fa-thumbs-o-down", _l("Learn as spam"), _l("Teach Rspamd that these mails are spam?")),
    "learn_ham": ("fa-thumbs-o-up", _l("Learn as ham"), _l("Teach Rspamd that these mails are ham?")),
    "delete_copy": ("fa-trash", _l("Delete the stored copies"), _l("Delete the stored copies of these mails?")),
    "delete_mail": ("fa-times", _l("Delete with everything"), _l("Delete these mails with everything that is known of them?")),
}
OPTION_WORDS: dict[str, Any] = {"viruses": _l("Also mails in which a virus was found")}
# Tone, icon, word.
STATE_WORDS: dict[str, tuple[str, str, Any]] = {
    RunState.WAITING: ("wait", "fa-clock-o", _l("waits")),
    RunState.RUNNING: ("wait", "fa-cog", _l("under way")),
    RunState.DONE: ("good", "fa-check", _l("done")),
    RunState.CANCELLED: ("plain", "fa-undo", _l("cancelled")),
    RunState.FAILED: ("bad", "fa-ban", _l("ended before its time")),
}
RESULT_WORDS: dict[str, tuple[str, str, Any]] = {
    ResultKind.SKIPPED: ("plain", "fa-step-forward", _l("passed over")),
    ResultKind.FAILED: ("bad", "fa-ban", _l("failed")),
}


def pinned(terms: Iterable[Term], zone: tzinfo) -> list[Term]:
    """With the day itself where one is called today or yesterday: at midnight it would be another."""
    today = utcnow().astimezone(zone).date()
    days = {"today": today.isoformat(), "yesterday": (today - timedelta(days=1)).isoformat()}

    def day(text: str) -> str:
        return days.get(text.strip().lower(), text)

    return [
        Term(term.field, term.op, "..".join(day(part) for part in term.text.split(".."))) if term.field == "time" else term
        for term in terms
    ]
