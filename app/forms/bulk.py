"""Acts on many mails: how they are called, a search that means the same later, and what a program says of the mails it means."""

from collections.abc import Collection, Iterable
from datetime import timedelta, tzinfo
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.clock import utcnow
from app.errors import BadRequest
from app.forms.search import Term, read_terms
from app.ids import MAX_ID
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


def read_ids(found: Any, most: int) -> list[int]:
    """The newest first. One that is none is refused, not passed over: whoever sent it meant something else."""
    if not isinstance(found, list) or not found:
        raise BadRequest(_("“%(name)s” has to be a list of ids.", name="ids"))
    if len(found) > most:
        raise BadRequest(_("Choose %(most)s mails at most.", most=most))
    return sorted({_id(each) for each in found}, reverse=True)


def read_id(found: Any, name: str) -> int | None:
    """None where there is none."""
    if found is None:
        return None
    try:
        return _id(found)
    except BadRequest:
        raise BadRequest(_("“%(name)s” has to be the id of a mail.", name=name)) from None


def _id(found: Any) -> int:
    text = str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 0 < number <= MAX_ID:
        raise BadRequest(_("“%(name)s” has to be a list of ids.", name="ids"))
    return number


def read_search(found: Any, hidden: Collection[str]) -> list[Term]:
    """By filter what it is to have, or a list of such. One that says nothing is refused: without it more mails would be meant."""
    pairs = []
    for name, values in found.items() if isinstance(found, dict) else [("", None)]:
        for value in (values or [None]) if isinstance(values, list) else [values]:
            if not isinstance(value, str | int | float):
                raise BadRequest(_("“%(name)s” has to be an object of filters and their values.", name="search"))
            pairs.append((name, ("yes" if value else "no") if isinstance(value, bool) else str(value)))
    terms = []
    for pair in pairs:
        one = read_terms([pair], hidden)
        if not one:
            raise BadRequest(_("There is no filter %(name)s.", name=pair[0][:80]))
        terms += one
    read_terms(pairs, hidden)  # so many of them, and no more
    return terms
