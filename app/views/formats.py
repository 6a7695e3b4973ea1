"""How values are shown, in the viewer's language: moments, numbers, sizes, actions, addresses, marks. Registered as Jinja filters."""

import functools
import json
from datetime import UTC, date, datetime
from typing import Any

from babel.numbers import format_decimal
from flask import current_app, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from app.forms.maps import title_of
from app.ids import id_time
from app.models import CopyState, Direction, NoticeState, ReleaseState
from app.rspamd.actions import Action, tone_of
from app.views.language import viewer_language
from app.views.ways import way_in_words
from app.views.zone import viewer_zone

_ICONS = {"good": "fa-check", "warn": "fa-exclamation-triangle", "bad": "fa-ban", "wait": "fa-clock-o", "plain": "fa-circle-o"}
# Markup(f"...") below (S704): every value in it is escaped, or a word of ours.
_TAIL = 16
# All of one width, which no format of Babel's has in every language; elsewhere as ISO 8601 writes it, which "en" alone leaves open.
_DATES = {"de": "%d.%m.%Y", "el": "%d/%m/%Y"}
# Rspamd's own words stand in titles, searches, URLs and exports.
_WORDS: dict[str, Any] = {
    Action.NO_ACTION: _l("Passed"),
    Action.ACCEPT: _l("Accepted"),
    Action.GREYLIST: _l("Greylisted"),
    Action.ADD_HEADER: _l("Marked"),
    Action.REWRITE_SUBJECT: _l("Subject changed"),
    Action.SOFT_REJECT: _l("Put off"),
    Action.REJECT: _l("Rejected"),
    Action.DISCARD: _l("Discarded"),
    Action.QUARANTINE: _l("Quarantined"),
}
# Tone, icon, word.
MARKS = {
    "virus": ("bad", "fa-bug", _l("virus")),
    "risk": ("warn", "fa-paperclip", _l("risky attachment")),
    "stored": ("plain", "fa-archive", _l("stored")),
    "notified": ("plain", "fa-bell-o", _l("notified")),
    "released": ("good", "fa-share", _l("released")),
    "out": ("plain", "fa-arrow-up", _l("out")),
    "allow": ("good", "fa-check", _l("allow list")),
    "deny": ("bad", "fa-ban", _l("deny list")),
    "own_allow": ("good", "fa-user", _l("on your allow list")),
    "own_deny": ("bad", "fa-user-times", _l("on your block list")),
    "personal_allow": ("good", "fa-user", _l("on a personal allow list")),
    "personal_deny": ("bad", "fa-user-times", _l("on a personal block list")),
}


def action_word(action: str) -> str:
    """What Rspamd decided, as people say it; its own word where we know none."""
    return str(_WORDS.get(action) or action or _("unknown"))


def badge(action: str) -> Markup:
    """The word counts; the colour only repeats it. Rspamd's own word stands in the title."""
    made: dict[str, Markup] = g.setdefault("_badges", {})
    if action not in made:
        tone = tone_of(action)
        text = f'<i class="fa {_ICONS[tone]}" aria-hidden="true"></i> {escape(action_word(action))}'
        made[action] = Markup(f'<span class="badge-action tone-{tone}" title="{escape(action)}">{text}</span>')  # noqa: S704
    return made[action]


def mark(kind: str) -> Markup:
    """An icon and its word, translated once a request."""
    made: dict[str, Markup] = g.setdefault("_marks", {})
    if kind not in made:
        tone, icon, word = MARKS[kind]
        text = escape(str(word))
        made[kind] = Markup(f'<span class="mk-mark {tone}" title="{text}"><i class="fa {icon}" aria-hidden="true"></i> {text}</span>')  # noqa: S704
    return made[kind]


def marks(mail: Any) -> Markup:
    """All that a mail is marked with, what matters most first."""
    kinds = (
        (mail.has_virus, "virus"),
        (mail.has_risk, "risk"),
        (mail.listed, mail.listed),
        (wish := getattr(mail, "own_wish", None), f"own_{wish}"),
        (wish := getattr(mail, "personal", None), f"personal_{wish}"),
        (mail.copy_state == CopyState.STORED, "stored"),
        (mail.notice_state == NoticeState.SENT, "notified"),
        (mail.release_state == ReleaseState.RELEASED, "released"),
        (mail.direction == Direction.OUT, "out"),
    )
    return Markup("").join(mark(kind) for holds, kind in kinds if holds)


def when(moment: datetime | int) -> Markup:
    """A moment or a mail's id, in the viewer's zone; the exact one stands in the title."""
    utc = id_time(moment) if isinstance(moment, int) else moment
    local = utc.astimezone(viewer_zone())
    exact = f"{local.isoformat(' ', 'seconds')} {local.tzname()}"
    text = f"{day(local)} {local:%H:%M:%S}"
    return Markup(f'<time datetime="{utc.isoformat(timespec="milliseconds")}" title="{escape(exact)}">{text}</time>')  # noqa: S704


def moment(value: datetime) -> Markup:
    """Of a column that holds UTC without saying so."""
    return when(value.replace(tzinfo=UTC))


def day(value: date) -> str:
    return value.strftime(_DATES.get(viewer_language(), "%Y-%m-%d"))


def address(text: str | None) -> Markup:
    """Cut in the middle: the beginning of the local part and the end of the domain tell most. The whole stands in the title."""
    if not text:
        return Markup('<span class="faint">&lt;&gt;</span>')
    tail = min(_TAIL, len(text) // 2, len(text) - text.rfind("@")) if len(text) > _TAIL else 0
    head, end = (escape(part) for part in (text[: len(text) - tail], text[len(text) - tail :]))
    return Markup(f'<bdi class="cut mk-address" title="{escape(text)}"><span>{head}</span><span>{end}</span></bdi>')  # noqa: S704


def number(value: float, places: int = 0) -> str:
    """With so many places at most."""
    return _decimal(round(value, places), f"#,##0.{'#' * places}", viewer_language())


def score(value: float) -> str:
    return number(value, 2)


def signed(value: float, places: int = 2) -> str:
    """With its sign and just so many places, so that a column of them can be compared."""
    pattern = f"#,##0.{'0' * places}"
    return _decimal(round(value, places), f"+{pattern};-{pattern}", viewer_language())


@functools.lru_cache(8192)
def _decimal(value: float, pattern: str, language: str) -> str:
    """A page has hundreds of numbers, mostly the same few thousand, and each takes Babel a while."""
    return str(format_decimal(value, pattern, language))


def size(count: int | None) -> str:
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{number(amount, int(unit != 'B' and amount < 10))} {unit}"
        amount /= 1000
    return f"{number(amount, 1)} GB"


def capped(count: int) -> str:
    cap = current_app.config["COUNT_CAP"]
    return f"{number(cap)}+" if count > cap else number(count)


def plain(value: Any) -> Any:
    """A value of any column, on the screens that know nothing of it."""
    match value:
        case None | "":
            return "–"
        case bool():
            return _("Yes") if value else _("No")
        case datetime():
            return when(value.astimezone(UTC))
        case list() | set() | tuple():
            return ", ".join(sorted(str(each) for each in value)) or "–"
    return value


FILTERS = {
    "action_word": action_word,
    "badge": badge,
    "tone": tone_of,
    "mark": mark,
    "marks": marks,
    "when": when,
    "moment": moment,
    "from_json": json.loads,
    "day": day,
    "address": address,
    "number": number,
    "score": score,
    "signed": signed,
    "bytes": size,
    "capped": capped,
    "plain": plain,
    "way": way_in_words,
    "map_title": title_of,
}
