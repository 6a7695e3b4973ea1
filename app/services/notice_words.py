"""What the letters of kept mail say: as they come, in each language, or as an admin wants them."""

import logging
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from flask import current_app

from app.clock import monotonic
from app.extensions import db
from app.mime.letter_html import check
from app.mime.mustache import Names, Template, Wrong, WrongTemplate, parse
from app.models import NoticeKind, NoticeText

log = logging.getLogger(__name__)

_FOLDER = Path(__file__).resolve().parent.parent / "words"
_FIRST = "en"
_SECONDS = 2.0
LONGEST_SUBJECT = 300
_ACTS = ("release", "allow", "report", "block", "open")
_SUBJECT = Names(frozenset(("site", "address", "count")), frozenset(("one",)))
_MAIL = Names(
    frozenset(("subject", "sender", "address_of_mail", "time", "reason", "score", "size", *(f"{act}_link" for act in _ACTS))),
    frozenset(("virus", "elsewhere", *(f"may_{act}" for act in _ACTS))),
)
_LETTER = Names(
    _SUBJECT.values | {"language", "zone", "more", "logo", "footer", "list_link", "settings_link", "unsubscribe_link"},
    _SUBJECT.questions,
    {"mails": _MAIL},
)


@dataclass(frozen=True, slots=True)
class Words:
    """Three templates, as they are edited."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Templates:
    subject: Template
    text: Template
    html: Template


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Of a language: what is said of a mail, and how moments and numbers are written."""

    language: str
    time: str
    decimal: str
    reasons: Mapping[str, str]
    no_subject: str
    no_sender: str


def slug_of(kind: NoticeKind) -> str:
    return kind.value.replace(" ", "-")


def kind_of(slug: str) -> NoticeKind | None:
    return next((kind for kind in NoticeKind if slug_of(kind) == slug), None)


def known_language(language: str) -> str:
    """Of the site, where there is no such language here."""
    config = current_app.config
    return language if language in config["LANGUAGES"] else str(config["BABEL_DEFAULT_LOCALE"])


def edited_words(kind: NoticeKind, language: str) -> NoticeText | None:
    return db.session.get(NoticeText, (kind.value, language))


def current_words(kind: NoticeKind, language: str) -> Words:
    """As they are edited: an admin's, right or wrong, else those that it comes with."""
    row = edited_words(kind, language)
    return default_words(kind, language) if row is None else Words(row.subject, row.text, row.html)


def templates_of(kind: NoticeKind, language: str) -> Templates:
    """What an admin wrote may have been right for an older version: then the letter goes out in the words it comes with. Thousands are
    written one after the other, so it is looked up every other second only."""
    looked_up = current_app.extensions.setdefault("mailkeep_notice_words", {})
    at, found = looked_up.get((kind, language), (-_SECONDS, None))
    if found is None or monotonic() - at >= _SECONDS:
        found = _templates_of(kind, language)
        looked_up[kind, language] = (monotonic(), found)
    return cast(Templates, found)


def forget_templates() -> None:
    """After a change, in the process that made it."""
    current_app.extensions.pop("mailkeep_notice_words", None)


def _templates_of(kind: NoticeKind, language: str) -> Templates:
    row = edited_words(kind, language)
    if row is not None:
        try:
            return templates(Words(row.subject, row.text, row.html))
        except WrongTemplate as wrong:
            log.warning("the words of the letter %r in %s are not used: %s", kind.value, language, wrong)
    return templates(default_words(kind, language))


@lru_cache(64)
def templates(words: Words) -> Templates:
    """WrongTemplate where they are wrong. Kept by what they say: the same words are the same templates."""
    return Templates(*(read() for _part, read in parts_of(words)))


def parts_of(words: Words) -> tuple[tuple[str, Callable[[], Template]], ...]:
    """What is called how, and reads it."""
    return (
        ("subject", lambda: _subject(words.subject)),
        ("text", lambda: parse(words.text, _LETTER, is_html=False)),
        ("html", lambda: _html(words.html)),
    )


def _subject(source: str) -> Template:
    if len(source) > LONGEST_SUBJECT:
        raise WrongTemplate(Wrong.LONG, 1)
    return parse(source, _SUBJECT, is_html=False)


def _html(source: str) -> Template:
    found = parse(source, _LETTER, is_html=True)
    check(source)
    return found


@cache
def default_words(kind: NoticeKind, language: str) -> Words:
    said = _said(language)
    words = said["all"] | said[kind.value]
    return Words(words["subject"], _put("letter.txt", words), _put("letter.html", words))


@cache
def vocabulary(language: str) -> Vocabulary:
    said = _said(language)
    words = said["all"]
    return Vocabulary(language, said["time"], said["decimal"], said["reasons"], words["no_subject"], words["no_sender"])


@cache
def _said(language: str) -> Mapping[str, Any]:
    """In English, where nobody wrote it in that language yet."""
    path = _FOLDER / f"{language}.toml"
    return tomllib.loads((path if path.exists() else _FOLDER / f"{_FIRST}.toml").read_text(encoding="utf-8"))


def _put(name: str, words: Mapping[str, str]) -> str:
    source = (_FOLDER / name).read_text(encoding="utf-8")
    for key, text in words.items():
        source = source.replace(f"[[{key}]]", text)
    return source


def names_offered() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a letter, and besides of each of its mails."""
    inner = sorted(_MAIL.values | _MAIL.questions)
    return tuple(sorted(_LETTER.values | _LETTER.questions)), tuple(inner)
