"""The links of a letter, open to whoever has it: a page says what would be done, and only the press of its button by hand does it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask_babel import force_locale, format_datetime, format_decimal, get_locale
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.models import Notice
from app.queries.notice_links import LinkAct, is_of_others, language_and_zone
from app.security.patience import wait_to_try
from app.services.notice_links import Link, Standing, letter_to_end, link_of
from app.services.notice_page import is_read, page_token
from app.services.notice_use import Can, Used, end_letters, not_possible, press, what_it_can
from app.views.back import is_ours
from app.views.errors import STATUS
from app.views.formats import action_word
from app.views.language import viewer_language
from app.views.link_words import ended_words, words_of
from app.views.zone import zone_called

notice_links = Blueprint("notice_links", __name__, url_prefix="/notice")

# No page and no log elsewhere learns an address that is a key; no program keeps one.
_HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive", "Cache-Control": "no-store"}
_TELL_OF_PRESSES = ("Chrome/", "Firefox/")
_YES, _CHOICES = "yes", ("yes", "no", "unsure")


@notice_links.after_request
def _seal_off(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


@notice_links.get("")
def show() -> Any:
    """Changes nothing, whoever asks: programs that follow links get here, too."""
    text = request.args.get("link", "")
    link = link_of(text)
    if link is None:
        return _unknown()
    return _in_its_language(link.notice, lambda zone: _page(link, text, zone))


@notice_links.post("")
def pressed() -> Any:
    text = request.form.get("link", "")
    link = link_of(text)
    if link is None:
        return _unknown()
    return _in_its_language(link.notice, lambda zone: _pressed(link, text, zone))


@notice_links.get("/unsubscribe")
def unsubscribe() -> Any:
    return _unsubscribe(lambda notice, text: _told("notices/unsubscribe.html", 200, notice=notice, link=text))


@notice_links.post("/unsubscribe")
def unsubscribed() -> Any:
    """Also without our page, by a mail program in one step; it is to be answered at once, and never led elsewhere (RFC 8058)."""
    return _unsubscribe(_end_letters)


# --- a link --------------------------------------------------------------------------------------------------------------------


def _pressed(link: Link, text: str, zone: ZoneInfo) -> Any:
    if link.standing is not Standing.GOOD or link.act is LinkAct.OPEN or what_it_can(link) is Can.NOTHING:
        return _page(link, text, zone)
    chosen = request.form.get("answer", "")
    if chosen not in _CHOICES or not is_read(text, request.form.get("page", "")) or not _is_by_hand():
        return _page(link, text, zone, again=True)
    if chosen != _YES:
        return _told("notices/ended.html", 200, title=_("Nothing was done"), sentences=[_("The mail stays where it is.")])
    try:
        sentences = press(link, ip=request.remote_addr or "")
    except Used as error:
        return _ended(Standing.USED, [str(error)])
    except MailkeepError as error:
        return _told("notices/ended.html", STATUS.get(type(error), 409), title=_("Nothing was done"), sentences=[str(error)], tone="warn")
    return _told("notices/ended.html", 200, title=_("Done"), sentences=sentences, tone="good")


def _page(link: Link, text: str, zone: ZoneInfo, *, again: bool = False) -> Any:
    if link.standing is not Standing.GOOD:
        return _ended(link.standing)
    if link.act is LinkAct.OPEN:  # past the login, where there is one to pass
        return redirect(url_for("MailLogView.show", pk=link.mail_id))
    can = what_it_can(link)
    if can is Can.NOTHING or link.mail is None or link.line is None:
        return _told("notices/ended.html", 403, title=_("Nothing was done"), sentences=[not_possible()], tone="warn")
    mail = link.mail
    local = mail.received_at.astimezone(zone)
    facts = {
        "sender": mail.mime_from or mail.mail_from,
        "subject": mail.subject,
        "date": f"{format_datetime(local, rebase=False)} {local.tzname()}",
        "score": format_decimal(round(mail.score, 2)),
        "action": action_word(mail.action),
        "address": link.line.address,
    }
    words = words_of(link.act, can, has_virus=mail.has_virus, sender=facts["sender"], address=facts["address"])
    return _told(
        "notices/link.html", 400 if again else 200, words=words, facts=facts, mail=mail, link=text, page=page_token(text), again=again
    )


def _is_by_hand() -> bool:
    """As far as a browser says so. Those that tell of a press say `?1`, and nothing where a script of the page submits its form."""
    headers = request.headers
    if not _is_from_here(headers.get("Origin", "null")):
        return False
    if "Sec-Fetch-Site" not in headers:  # an old browser, or no TLS
        return True
    is_form = (headers["Sec-Fetch-Site"], headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest"))
    if is_form != ("same-origin", "navigate", "document"):
        return False
    tells = any(name in headers.get("User-Agent", "") for name in _TELL_OF_PRESSES)
    return not tells or headers.get("Sec-Fetch-User") == "?1"


def _is_from_here(origin: str) -> bool:
    """Since our pages send no referrer, browsers send `null` with their forms."""
    try:
        return origin == "null" or is_ours(urlsplit(origin))
    except ValueError:
        return False


# --- no more letters -----------------------------------------------------------------------------------------------------------


def _unsubscribe(answer: Callable[[Notice, str], Any]) -> Any:
    text = request.args.get("link", "") or request.form.get("link", "")
    notice = letter_to_end(text)
    if notice is None:
        return _unknown()
    if notice.revoked_at is not None:
        return _in_its_language(notice, lambda _zone: _ended(Standing.REVOKED))
    if is_of_others(notice):
        return _in_its_language(notice, lambda _zone: _ended(Standing.VOID))
    return _in_its_language(notice, lambda _zone: answer(notice, text))


def _end_letters(notice: Notice, _text: str) -> Any:
    address = notice.address
    end_letters(notice, ip=request.remote_addr or "")
    sentences = [
        _("%(address)s gets no more letters about mail that is kept.", address=address),
        _("If you want them again, choose so in your profile after a login, or ask an administrator."),
    ]
    return _told("notices/ended.html", 200, title=_("Done"), sentences=sentences, tone="good")


# --- pages ---------------------------------------------------------------------------------------------------------------------


def _unknown() -> Any:
    """Each takes longer where many come from one place."""
    wait_to_try("a link of a letter")
    words = _("This is no link of ours, or only a part of one. Press it in the letter, or copy all of it.")
    return _told("notices/ended.html", 404, title=_("There is nothing here."), sentences=[words], tone="warn")


def _ended(standing: Standing, sentences: list[str] | None = None) -> Any:
    title, words = ended_words(standing)
    return _told("notices/ended.html", 410, title=title, sentences=sentences or [words], tone="warn")


def _in_its_language(notice: Notice, answer: Callable[[ZoneInfo], Any]) -> Any:
    language, zone = language_and_zone(notice.owner, notice.address)
    config = current_app.config
    known = language if language in config["LANGUAGES"] else config["BABEL_DEFAULT_LOCALE"]
    with force_locale(known):
        return answer(zone_called(zone or config.get("BABEL_DEFAULT_TIMEZONE", "UTC")))


def _told(template: str, status: int, **values: Any) -> Response:
    page = render_template(
        template, lang=str(get_locale() or viewer_language()).replace("_", "-"), app_name=current_app.config["APP_NAME"], **values
    )
    return Response(page, status)
