"""How values are shown: moments, sizes, scores, addresses, marks. Registered as Jinja filters."""

from datetime import date, datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from app.ids import id_time
from app.rspamd.actions import tone_of
from app.views.zone import viewer_zone

_LONGEST_ADDRESS = 38
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
    return Markup('<span class="badge-action tone-{}">{}</span>').format(tone_of(action), escape(action or _("unknown")))


def mark(kind: str) -> Markup:
    tone, icon, word = MARKS[kind]
    return Markup('<span class="mk-mark {}" title="{}"><i class="fa {}" aria-hidden="true"></i> {}</span>').format(tone, word, icon, word)


def when(moment: datetime | int, style: str = "short") -> Markup:
    """A moment or a mail's id, in the viewer's zone; the exact one stands in the title."""
    utc = id_time(moment) if isinstance(moment, int) else moment
    local = utc.astimezone(viewer_zone())
    text = f"{local:%Y-%m-%d %H:%M:%S}" if style == "short" else f"{local:%Y-%m-%d %H:%M:%S %Z}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="milliseconds"), f"{local:%A, %Y-%m-%d %H:%M:%S %Z}", text
    )


def day(value: date) -> str:
    return value.isoformat()


def address(text: str | None, length: int = _LONGEST_ADDRESS) -> Markup:
    """Cut in the middle: the beginning of the local part and the end of the domain tell most. The whole stands in the title."""
    if not text:
        return Markup('<span class="faint">&lt;&gt;</span>')
    if len(text) <= length:
        return Markup('<bdi class="cut" title="{}">{}</bdi>').format(text, text)
    tail = length * 3 // 5
    return Markup('<bdi class="cut" title="{}">{}…{}</bdi>').format(text, text[: length - tail - 1], text[-tail:])


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


FILTERS = {
    "badge": badge,
    "mark": mark,
    "when": when,
    "day": day,
    "address": address,
    "score": score,
    "bytes": size,
    "capped": capped,
}
