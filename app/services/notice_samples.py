"""A letter as it would look: of mails such as there are, with links that lead nowhere."""

from datetime import timedelta

from flask import current_app

from app.clock import utcnow
from app.faces import portal_url
from app.models import NoticeKind, OwnerKind
from app.queries.addressees import Addressee
from app.queries.notice_links import LinkAct
from app.queries.notices import Line
from app.services.demo_texts import KINDS
from app.services.letters import hand_over
from app.services.notice_letter import Letter, Links, fitting, sealed
from app.services.notice_words import Words, templates

_HELD = ("add header", "rewrite subject", "reject", "discard")
_LONGEST = '"' * 400
_MORE = 7


def sample(kind: NoticeKind, words: Words, to: str, language: str, zone: str) -> Letter:
    """WrongTemplate and TooMuch where the words are wrong."""
    addressee = _addressee(kind, to, language, zone)
    lines = _lines(kind, to)
    return fitting(templates(words), addressee, lines, _links(kind, lines), more=0 if kind is NoticeKind.AT_ONCE else _MORE)


def longest(kind: NoticeKind, words: Words, language: str, mails: int) -> Letter:
    """Of so many mails, each as long as it can be."""
    line = Line(1, utcnow(), _LONGEST, _LONGEST, "reject", -123.45, 999_999_999, True, _LONGEST)
    lines = [line] * mails
    offered = {1: frozenset(LinkAct)}
    links = Links(lambda _mail_id, _act: "x" * 250, "x" * 250, "x" * 250, "x" * 250, offered)
    return fitting(templates(words), _addressee(kind, "x" * 320, language, "UTC"), lines, links, more=10**9)


def send_sample(kind: NoticeKind, words: Words, to: str, language: str, zone: str) -> str:
    """What the relay said: asked as for a real one, without an envelope sender, which not every relay takes."""
    letter = sample(kind, words, to, language, zone)
    message = sealed(Letter(f"[{current_app.config['APP_NAME']}] {letter.subject}", letter.text, letter.html), to, {})
    return hand_over("notice", message, to, sender="")


def _addressee(kind: NoticeKind, to: str, language: str, zone: str) -> Addressee:
    is_watcher = kind is NoticeKind.WATCH
    owner, user_id = (OwnerKind.WATCH.of(to), None) if is_watcher else (OwnerKind.USER.of(0), 0)
    return Addressee(owner, user_id, to, language, zone, "")


def _lines(kind: NoticeKind, to: str) -> list[Line]:
    found = []
    address = "info@example.com" if kind is NoticeKind.WATCH else to
    for number, each in enumerate(each for each in KINDS if each.action in _HELD and not each.outgoing):
        subject = each.subjects[number % len(each.subjects)]
        at, score = utcnow() - timedelta(minutes=47 * (number + 1)), sum(each.score) / 2
        line = Line(number + 1, at, each.senders[0], subject, each.action, score, 5200 + 31_000 * number, bool(each.virus), address)
        found.append(line)
    return found[2:3] if kind is NoticeKind.AT_ONCE else found


def _links(kind: NoticeKind, lines: list[Line]) -> Links:
    config = current_app.config
    nowhere = portal_url("sample") if config["PORTAL_URL"] or config["PUBLIC_URL"] else "https://mailkeep.example.com/sample"
    usual, wish = frozenset(LinkAct) - {LinkAct.REPORT}, frozenset((LinkAct.REPORT, LinkAct.BLOCK, LinkAct.OPEN))
    watch = frozenset((LinkAct.OPEN,))
    offered = {line.mail_id: watch if kind is NoticeKind.WATCH else wish if line.has_virus else usual for line in lines}
    own = "" if kind is NoticeKind.WATCH else nowhere
    return Links(lambda mail_id, act: f"{nowhere}/{act}/{mail_id}", own, own, nowhere, offered)
