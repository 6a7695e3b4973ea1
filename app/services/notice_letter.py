"""Writes a letter that tells of kept mail: in the addressee's language and zone, of no more mails than a mail program shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from app.clock import utcnow
from app.faces import portal_url
from app.mime.addresses import base_of
from app.mime.foreign import sender_shown, shown, unlinked
from app.mime.letter import Picture, picture_kind, write_letter
from app.mime.mustache import TooMuch
from app.models import Notice, NoticeKind
from app.queries.addressees import Addressee
from app.queries.notice_links import LinkAct
from app.queries.notice_offers import Offered
from app.queries.notices import Line
from app.services.letters import envelope_of, own_headers
from app.services.notice_links import headers_of, links_of, unsubscribe_link
from app.services.notice_words import Templates, Vocabulary, default_words, known_language, templates, templates_of, vocabulary

LONGEST_HTML = 100_000
"""Bytes: beyond them some mail programs cut the letter, and its last words with it."""
_SUBJECT_SHOWN, _SENDER_SHOWN = 150, 100
# Exchange answers letters for who is on holiday, whatever else they say.
_NO_ANSWER = {"X-Auto-Response-Suppress": "All"}


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where those of a letter lead; empty where there is nowhere."""

    to: Callable[[int, LinkAct], str]
    all_kept: str
    settings: str
    unsubscribe: str
    offered: Offered


def write(notice: Notice, addressee: Addressee, lines: Sequence[Line], offered: Offered) -> bytes:
    """The whole message, to the addressee. `lines`: as many as are wanted in it at most, or more. It asks the database for words only."""
    kind, language = NoticeKind(notice.kind), known_language(addressee.language)
    found = lines[: current_app.config["NOTICE_MOST_LINES"]]
    more = max(notice.mails, len(lines)) - len(found) if len(lines) >= current_app.config["NOTICE_MOST_LINES"] else 0
    links = Links(
        to=links_of(notice),
        all_kept=portal_url("quarantine/") if addressee.user_id is not None and kind is not NoticeKind.WATCH else "",
        settings=portal_url("profile/") if addressee.user_id is not None else "",
        unsubscribe=unsubscribe_link(notice),
        offered=offered,
    )
    try:
        letter = fitting(templates_of(kind, language), addressee, found, links, more=more)
    except TooMuch:  # more mails are told of than when these words were kept
        letter = fitting(templates(default_words(kind, language)), addressee, found, links, more=more)
    return sealed(letter, addressee.address, headers_of(notice))


def fitting(read: Templates, addressee: Addressee, lines: Sequence[Line], links: Links, *, more: int = 0) -> Letter:
    """With fewer mails where the HTML would be cut elsewhere."""
    words, zone = vocabulary(known_language(addressee.language)), _zone(addressee.zone)
    rows = [_row(line, addressee, links, words, zone) for line in lines]
    values = _values(addressee, links, words.language, len(rows) + more)
    while True:
        values |= {"mails": rows, "more": str(more) if more else ""}
        html = read.html.fill(values)
        size = travelling(html)
        if size <= LONGEST_HTML or len(rows) <= 1:
            return Letter(read.subject.fill(values), read.text.fill(values), html)
        kept = max(1, min(len(rows) - 1, len(rows) * (LONGEST_HTML - 8000) // size))
        more += len(rows) - kept
        rows = rows[:kept]


def travelling(html: str) -> int:
    """Bytes, with the line breaks of mails."""
    return len(html.encode()) + html.count("\n")


def sealed(letter: Letter, to: str, headers: Mapping[str, str]) -> bytes:
    """As it goes to the relay. ValueError for what is no address."""
    config, address = current_app.config, envelope_of(to)
    return write_letter(
        name=config["APP_NAME"],
        sender=config["MAIL_FROM"],
        recipient=address,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        at=utcnow(),
        own=own_headers(address) | _NO_ANSWER | dict(headers),
        picture=picture_in_letters(),
    )


def picture_in_letters() -> Picture | None:
    """The logo, where it is a file and travels with each letter."""
    logo: str = current_app.config["NOTICE_LOGO"]
    return _picture(logo) if logo and not logo.startswith("https:") else None


@cache
def _picture(path: str) -> Picture:
    content = Path(path).read_bytes()
    return Picture(content, picture_kind(content))


def _values(addressee: Addressee, links: Links, language: str, count: int) -> dict[str, Any]:
    config = current_app.config
    picture = picture_in_letters()
    return {
        "site": config["APP_NAME"],
        "address": addressee.address,
        "count": str(count),
        "one": count == 1,
        "language": language,
        "zone": addressee.zone or "UTC",
        "logo": f"cid:{picture.cid}" if picture else config["NOTICE_LOGO"],
        "footer": config["NOTICE_FOOTER"],
        "list_link": links.all_kept,
        "settings_link": links.settings,
        "unsubscribe_link": links.unsubscribe,
    }


def _row(line: Line, addressee: Addressee, links: Links, words: Vocabulary, zone: ZoneInfo) -> dict[str, Any]:
    """Sender and subject are a stranger's words, in every template."""
    at = line.received_at if line.received_at.tzinfo else line.received_at.replace(tzinfo=UTC)
    row: dict[str, Any] = {
        "subject": unlinked(shown(line.subject, _SUBJECT_SHOWN)) or words.no_subject,
        "sender": unlinked(sender_shown(line.sender, _SENDER_SHOWN)) or words.no_sender,
        "address_of_mail": _address(line.address),
        "elsewhere": line.address.lower() != addressee.address.lower(),
        "time": at.astimezone(zone).strftime(words.time),
        "reason": words.reasons.get(line.action) or words.reasons[""],
        "score": f"{line.score:.1f}".replace(".", words.decimal),
        "size": _size(line.size, words.decimal),
        "virus": line.has_virus,
    }
    offered = links.offered.get(line.mail_id, ())
    for act in LinkAct:
        row[f"may_{act}"] = act in offered
        row[f"{act}_link"] = links.to(line.mail_id, act) if act in offered else ""
    return row


def _address(address: str) -> str:
    """What stands behind its plus is a stranger's word, too."""
    seen = shown(address, _SENDER_SHOWN)
    return unlinked(seen) if base_of(address, str(current_app.config["PLUS_ADDRESSING"])) else seen


def _size(count: int, decimal: str) -> str:
    amount, unit = (count / 1_000_000, "MB") if count >= 1_000_000 else (count / 1000, "kB")
    return f"{amount:.{int(amount < 10)}f} {unit}".replace(".", decimal)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
