"""The sums of a stretch as they are shown: bars drawn in SVG, numbers, and where each of them leads in the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from babel.dates import format_date
from flask import url_for
from flask_babel import gettext as _

from app.forms.statistics import Stretch
from app.ids import HOUR_MS
from app.queries.counts import Sum
from app.queries.fields import ACTIONS
from app.queries.reports import Asked, Bar, total_of
from app.rspamd.actions import Action, tone_of
from app.views.formats import action_word, day, number
from app.views.language import viewer_language
from app.views.zone import viewer_zone

WIDTH, HEIGHT = 1000, 200
_GAP = 0.2
_ORDER = (*ACTIONS, Action.ACCEPT.value)


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a bar: one action."""

    fill: str
    y: float
    height: float


@dataclass(slots=True)
class Column:
    """A bar as it is drawn, and its row in the table."""

    label: str
    url: str
    x: float
    width: float
    bar: Bar
    total: Sum
    title: str = ""
    pieces: list[Piece] = field(default_factory=list)


@dataclass(slots=True)
class Chart:
    columns: list[Column]
    actions: list[str]
    """Those that came, in the order of their pieces from below."""
    most: int
    by_action: dict[str, Sum]
    total: Sum

    @property
    def is_cut(self) -> bool:
        """The log has not all of these mails any more."""
        return any(column.total.mails and not column.url for column in self.columns)


def fill_of(action: str) -> str:
    """Actions of one tone differ in how strong it is."""
    tone = tone_of(action)
    same = [each for each in _ORDER if tone_of(each) == tone]
    return f"fill-{tone} shade-{same.index(action) % 3 if action in same else 0}"


def chart_of(bars: Sequence[Bar], stretch: Stretch, asked: Asked, oldest: int | None) -> Chart:
    """`oldest`: the hour of the oldest mail that the log still has; earlier bars lead nowhere."""
    by_action: dict[str, Sum] = {}
    for bar in bars:
        for action, found in bar.actions.items():
            by_action.setdefault(action, Sum()).add(found)
    actions = sorted(by_action, key=lambda action: (_ORDER.index(action) if action in _ORDER else len(_ORDER), action))
    totals = [bar.total() for bar in bars]
    most = max((total.mails for total in totals), default=0)
    step = WIDTH / max(1, len(bars))
    columns = []
    for place, (bar, total) in enumerate(zip(bars, totals, strict=True)):
        url = log_url(asked, bar.low, bar.high, oldest) if total.mails else ""
        column = Column(label_of(bar.low, stretch.step), url, place * step + step * _GAP / 2, step * (1 - _GAP), bar, total)
        column.title = _title(column, actions)
        column.pieces = _pieces(bar, actions, most)
        columns.append(column)
    return Chart(columns, actions, most, by_action, total_of(totals))


def _pieces(bar: Bar, actions: Sequence[str], most: int) -> list[Piece]:
    pieces, y = [], float(HEIGHT)
    for action in actions:
        if (found := bar.actions.get(action)) and most:
            height = found.mails * HEIGHT / most
            y -= height
            pieces.append(Piece(fill_of(action), round(y, 2), round(height, 2)))
    return pieces


def _title(column: Column, actions: Sequence[str]) -> str:
    told = [f"{action_word(action)} {number(found.mails)}" for action in actions if (found := column.bar.actions.get(action))]
    return f"{column.label}: {_('%(count)s mails', count=number(column.total.mails))}" + (f" ({', '.join(told)})" if told else "")


def label_of(hour: int, step: str) -> str:
    local = local_hour(hour, viewer_zone())
    if step == "hour":
        return f"{day(local)} {local:%H:%M}"
    return day(local) if step == "day" else format_date(local.date(), "LLL yyyy", locale=viewer_language())


def local_hour(hour: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC).astimezone(zone)


def log_url(asked: Asked, low: int, high: int, oldest: int | None, **more: str) -> str:
    """The search of the log for these hours, as far as it has them; empty where it has none of them any more."""
    if oldest is None or high <= oldest:
        return ""
    terms = {"time.between": f"{_moment(low)}..{_moment(high, ends=True)}"}
    terms |= {"node.is": asked.node} if asked.node else {}
    terms |= {"direction.is": asked.direction} if asked.direction else {}
    terms |= {"rcpt_domain.is": asked.domain} if asked.domain else {}
    values: dict[str, Any] = terms | {name.replace("__", "."): value for name, value in more.items()}
    return url_for("MailLogView.list", **values)


def _moment(hour: int, *, ends: bool = False) -> str:
    """As the log's search reads it: in the viewer's zone, by the minute; the hour that comes twice says which it is."""
    at = datetime.fromtimestamp(hour * HOUR_MS / 1000 - (1 if ends else 0), UTC)
    local = at.astimezone(viewer_zone())
    if local.fold:
        return local.isoformat(timespec="seconds")
    return f"{local:%Y-%m-%d %H:%M}"


def shares_of(total: Sum, by_action: dict[str, Sum]) -> dict[str, float | None]:
    """In per cent, by tone: delivered, marked, put off, refused."""
    mails = {
        tone: sum(found.mails for action, found in by_action.items() if tone_of(action) == tone) for tone in ("good", "warn", "wait", "bad")
    }
    return {tone: 100 * count / total.mails if total.mails else None for tone, count in mails.items()}


def mean_of(total: Sum) -> float | None:
    return total.scan_ms / total.scanned if total.scanned else None
