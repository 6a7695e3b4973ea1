"""The reasons in plain words: what spoke against a mail (score up), and what spoke for it (score down)."""

import json
import pathlib
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from app.rspamd.reasons import Reasons
from app.rspamd.reasons_table import Reason

# Against, for.
SENTENCES: dict[str, tuple[Any, Any]] = {
    Reason.ALLOWED: (_l("An allow list was hit, yet it counts against the mail"), _l("The sender is on an allow list")),
    Reason.DENIED: (_l("The sender is on a deny list"), _l("A deny list was hit, yet it counts for the mail")),
    Reason.VIRUS: (_l("A virus scanner found something"), _l("A virus scanner found nothing")),
    Reason.ATTACHMENT: (_l("It carries a dangerous kind of attachment"), _l("Its attachments look harmless")),
    Reason.FRAUD_LINK: (_l("It links to a site known for fraud"), _l("Its links are not known for fraud")),
    Reason.LISTED_LINK: (_l("It links to a site that is known from spam"), _l("Its links are not known from spam")),
    Reason.PROOF: (
        _l("The sender's domain does not confirm that it comes from there"),
        _l("The sender's domain confirms that it comes from there"),
    ),
    Reason.FORGED: (_l("The sender or another header looks forged"), _l("Sender and headers fit together")),
    Reason.LISTED_SERVER: (_l("The sending server is known for spam"), _l("The sending server is known as a good one")),
    Reason.SERVER_NAME: (_l("The sending server introduces itself wrongly"), _l("The sending server introduces itself properly")),
    Reason.KNOWN: (_l("The same mail has been reported as spam"), _l("The same mail is known to be wanted")),
    Reason.LEARNED: (_l("Its words are like those of spam"), _l("Its words are like those of wanted mail")),
    Reason.REPUTATION: (_l("Mail from there has often been spam"), _l("Mail from there has mostly been good")),
    Reason.BULK: (_l("It looks like mass mail"), _l("It is mass mail as it should be")),
    Reason.LIST: (_l("It pretends to come from a mailing list"), _l("It comes from a mailing list")),
    Reason.REPLY: (_l("It pretends to answer a mail"), _l("It answers a mail from here")),
    Reason.SCAM: (_l("It reads like an attempt at fraud or blackmail"), _l("It does not read like fraud")),
    Reason.HIDDEN: (_l("It hides text from its reader"), _l("It hides no text")),
    Reason.PICTURES: (_l("It is made of pictures instead of text"), _l("Its pictures are as usual")),
    Reason.SUBJECT: (_l("Its subject is written as in spam"), _l("Its subject is as usual")),
    Reason.WRITING: (_l("Its text is put together from odd characters"), _l("Its text is written as usual")),
    Reason.BROKEN: (_l("It is not built as mail programs build it"), _l("It is built as mail programs build it")),
    Reason.PATH: (_l("It took an odd way"), _l("It took a usual way")),
    Reason.FREEMAIL: (_l("It comes from a free or throw-away address"), _l("Its free address is as usual")),
    Reason.RECIPIENTS: (_l("It is addressed in an odd way"), _l("It is addressed to you as usual")),
    Reason.LINKS: (_l("Its links are hidden or odd"), _l("Its links are as usual")),
    Reason.RATE: (_l("Too much came from there at once"), _l("It came at a usual pace")),
    Reason.PROGRAM: (_l("It was made with a program that spammers use"), _l("It was made with a usual mail program")),
    Reason.OTHER: (_l("Other checks spoke against it"), _l("Other checks spoke for it")),
}


def sentence_of(reason: str, score: float) -> str:
    against, favour = site_groups().get(reason) or SENTENCES[reason if reason in SENTENCES else Reason.OTHER]
    return str(against if score > 0 else favour)


def reasons() -> Reasons:
    found: Reasons = current_app.extensions["mailkeep_reasons"]
    return found


def site_groups() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = current_app.extensions["mailkeep_reason_groups"]
    return found


def load_reasons(path: str) -> tuple[Reasons, dict[str, tuple[str, str]]]:
    """REASONS_FILE: {"groups": {NAME: {"against": ..., "for": ...}}, "symbols": {SYMBOL or SYM*: NAME}}. ValueError says what is wrong."""
    if not path:
        return Reasons(), {}
    try:
        told = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        groups = {str(name): (str(texts["against"]), str(texts["for"])) for name, texts in told.get("groups", {}).items()}
        symbols = {str(symbol): str(name) for symbol, name in told.get("symbols", {}).items()}
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not as docs/reading.md says: {type(error).__name__}: {error}") from None
    for symbol, name in symbols.items():
        if name not in groups and name not in SENTENCES:
            raise ValueError(f"{path}: {symbol} stands for {name}, which is no group")
    return Reasons(symbols), groups
