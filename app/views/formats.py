"""How values are shown: moments, sizes, scores, addresses, marks. Registered as Jinja filters."""

import json
from datetime import UTC, date, datetime
from typing import Any

from flask import current_app, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from app.ids import id_time
from app.models import CopyState, Direction, NoticeState, ReleaseState
from app.rspamd.actions import tone_of
from app.views.ways import way_in_words
from app.views.zone import viewer_zone

_ICONS = {"good": "fa-check", "warn": "fa-exclamation-triangle", "bad": "fa-ban", "wait": "fa-clock-o", "plain": "fa-circle-o"}
# Markup(f"...") below (S704): every value in it is escaped, or a word of ours.
_TAIL = 16
# Tone, icon, word.
MARKS = {
    "virus": ("bad", "fa-bug", _l("virus")),
    "risk": ("warn", "fa-paperclip", _l("risky attachment")),
    "stored": ("plain", "fa-archive", _l("stored")),
    "notified": ("plain", "fa-bell-o", _l("notified")),
    "released": ("good", "fa-share", _l("released")),
    "in": ("plain", "fa-arrow-down", _l("in")),
    "out": ("plain", "fa-arrow-up", _l("out")),
    "allow": ("good", "fa-check", _l("allow list")),
    "deny": ("bad", "fa-ban", _l("deny list")),
}


def badge(action: str) -> Markup:
    """The word counts; the colour only repeats it."""
    tone = tone_of(action)
    icon = f'<i class="fa {_ICONS[tone]}" aria-hidden="true"></i>'
    return Markup(f'<span class="badge-action tone-{tone}">{icon} {escape(action or _("unknown"))}</span>')  # noqa: S704


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
    text = local.isoformat(" ", "seconds")
    return Markup(f'<time datetime="{utc.isoformat(timespec="milliseconds")}" title="{text} {escape(local.tzname())}">{text[:19]}</time>')  # noqa: S704


def moment(value: datetime) -> Markup:
    """Of a column that holds UTC without saying so."""
    return when(value.replace(tzinfo=UTC))


def day(value: date) -> str:
    return value.isoformat()


def address(text: str | None) -> Markup:
    """Cut in the middle: the beginning of the local part and the end of the domain tell most. The whole stands in the title."""
    if not text:
        return Markup('<span class="faint">&lt;&gt;</span>')
    tail = min(_TAIL, len(text) // 2, len(text) - text.rfind("@")) if len(text) > _TAIL else 0
    head, end = (escape(part) for part in (text[: len(text) - tail], text[len(text) - tail :]))
    return Markup(f'<bdi class="cut mk-address" title="{escape(text)}"><span>{head}</span><span>{end}</span></bdi>')  # noqa: S704


def score(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def size(count: int | None) -> str:
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def capped(count: int) -> str:
    cap = current_app.config["COUNT_CAP"]
    return f"{cap:,}+" if count > cap else f"{count:,}"


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
    "badge": badge,
    "tone": tone_of,
    "mark": mark,
    "marks": marks,
    "when": when,
    "moment": moment,
    "from_json": json.loads,
    "day": day,
    "address": address,
    "score": score,
    "bytes": size,
    "capped": capped,
    "plain": plain,
    "way": way_in_words,
}
