"""Changes what the letters of kept mail say, or takes a change back; wrong words are refused with the line and a sentence."""

from typing import cast

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict
from app.extensions import PanelSession, db
from app.mime.mustache import LONGEST_TEMPLATE, TooMuch, Wrong, WrongTemplate
from app.models import NoticeKind, NoticeText, Verb
from app.services.audit import record
from app.services.notice_letter import LONGEST_HTML, travelling
from app.services.notice_samples import longest
from app.services.notice_words import LONGEST_SUBJECT, Words, edited_words, forget_templates, parts_of, slug_of

_LONGEST_TEXT = 1_000_000
_WRONG = {
    Wrong.LONG: _l("it is too long."),
    Wrong.HIDDEN: _l("there is a character that nobody sees."),
    Wrong.SYNTAX: _l("“%(name)s” is neither a name in braces nor a tag with its attributes in quotes."),
    Wrong.UNKNOWN: _l("there is no such name here: %(name)s."),
    Wrong.UNCLOSED: _l("%(name)s is not closed."),
    Wrong.UNOPENED: _l("%(name)s closes what nothing opened."),
    Wrong.TWICE: _l("%(name)s stands in itself: the list would be told again for each mail."),
    Wrong.DEEP: _l("%(name)s stands in too many others."),
    Wrong.NO_VALUE: _l("%(name)s has no words of its own: it is opened with # and closed with /."),
    Wrong.TAG: _l("%(name)s does not belong into a letter."),
    Wrong.ATTRIBUTE: _l("the attribute “%(name)s” does not belong into a letter."),
    Wrong.PLACE: _l("%(name)s may stand in the text only, not in a tag or a style."),
    Wrong.TARGET: _l("“%(name)s” is no target. Links lead to a name that ends with _link or to a fixed address; a picture is the logo."),
    Wrong.STYLE: _l("a style may load nothing and has no remarks: “%(name)s”."),
}
_PARTS = {"subject": _l("Subject"), "text": _l("Text"), "html": _l("HTML")}


def sentence_of(wrong: WrongTemplate, part: str) -> str:
    said = str(_WRONG[wrong.why]).replace("%(name)s", wrong.name)
    return str(_("%(part)s, line %(line)s: %(said)s", part=_PARTS[part], line=wrong.line, said=said))


def read_words(subject: str, text: str, html: str) -> Words:
    """As they are kept. BadRequest for what is wrong whoever gets the letter."""
    words = Words(" ".join(subject.split()), *(part.replace("\r\n", "\n").strip("\n") + "\n" for part in (text, html)))
    if not (words.subject and words.text.strip() and words.html.strip()):
        raise BadRequest(_("A letter has a subject, a text and HTML: none of them can be empty."))
    for part, read in parts_of(words):
        try:
            read()
        except WrongTemplate as wrong:
            raise BadRequest(sentence_of(wrong, part)) from None
    return words


def set_words(kind: NoticeKind, language: str, words: Words, *, actor: Actor) -> None:
    """They count for every letter that is written from now on."""
    _must_be_known(language)
    words = read_words(words.subject, words.text, words.html)
    _must_fit(kind, language, words)
    try:
        _put(kind, language, words, actor)
    except IntegrityError:  # the first change, in two windows at once
        db.session.rollback()
        raise Conflict(_("Somebody else has changed it meanwhile: look at it again.")) from None


def reset_words(kind: NoticeKind, language: str, *, actor: Actor) -> None:
    """As they come."""
    _must_be_known(language)
    with cast(PanelSession, db.session()).begin_writing():
        row = edited_words(kind, language)
        if row is not None:
            before = _told(row)
            db.session.delete(row)
            record(actor, Verb.NOTICE_WORDS, "notice", f"{slug_of(kind)}.{language}", before=before)
        db.session.commit()
    forget_templates()


def _put(kind: NoticeKind, language: str, words: Words, actor: Actor) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        row = edited_words(kind, language)
        before = None if row is None else _told(row)
        if row is None:
            row = NoticeText(kind=kind.value, language=language)
            db.session.add(row)
        row.subject, row.text, row.html = words.subject, words.text, words.html
        row.changed_at, row.changed_by = stored_now(), actor.name[:100]
        db.session.flush()
        record(actor, Verb.NOTICE_WORDS, "notice", f"{slug_of(kind)}.{language}", before=before, after=_told(row))
        db.session.commit()
    forget_templates()


def _told(row: NoticeText) -> dict[str, str]:
    return {"subject": row.subject, "text": row.text, "html": row.html}


def _must_fit(kind: NoticeKind, language: str, words: Words) -> None:
    """Also with the longest mails there can be: what is found out now cannot fail in the night."""
    most = current_app.config["NOTICE_MOST_LINES"]
    try:
        one, all_of_them = longest(kind, words, language, 1), longest(kind, words, language, most)
        fits = travelling(one.html) <= LONGEST_HTML and len(all_of_them.text) <= _LONGEST_TEXT
    except TooMuch:
        fits = False
    if not fits:
        raise BadRequest(_("With the longest mails this letter would be longer than mail programs take: write less for each mail."))


def _must_be_known(language: str) -> None:
    if language not in current_app.config["LANGUAGES"]:
        raise BadRequest(_("There is no such language here."))


LIMITS = {"subject": LONGEST_SUBJECT, "template": LONGEST_TEMPLATE}
