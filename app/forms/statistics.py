"""Which stretch of time somebody asks for, cut into the bars that it is shown in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from flask_babel import gettext as _

from app.errors import BadRequest
from app.forms.days import read_day
from app.ids import HOUR_MS
from app.queries.reports import Asked

STRETCHES = ("24h", "7d", "30d", "12m")
FIELDS = ("stretch", "from", "to", "node", "direction", "domain")
_DAYS = {"7d": 7, "30d": 30}
_MONTHS = 12
_MOST_DAYS = 3700
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Stretch:
    name: str
    """One of STRETCHES; empty: from one day to another."""
    step: str
    """hour, day or month."""
    edges: tuple[int, ...]
    first: date
    last: date
    is_shifted: bool
    """The zone is not whole hours from UTC: a day has the hours that begin in it."""


def asked_fields(values: Mapping[str, str]) -> dict[str, str]:
    found = {name: text for name in FIELDS if (text := values.get(name, "").strip())}
    if any(len(text) > _LONGEST or "\0" in text for text in found.values()):
        raise BadRequest(_("That is too long to search for, or no text."))
    return found


def read_stretch(fields: Mapping[str, str], zone: tzinfo, now: datetime) -> Stretch:
    today, name = now.astimezone(zone).date(), fields.get("stretch", "")
    if "from" in fields or "to" in fields:
        return _between(*_days(fields, today), zone)
    name = name or STRETCHES[1]
    if name not in STRETCHES:
        raise BadRequest(_("“%(text)s” is none of: %(choices)s.", text=name[:40], choices=", ".join(STRETCHES)))
    if name == "24h":
        last = int(now.timestamp() * 1000) // HOUR_MS + 1
        return _stretch(name, "hour", tuple(range(last - 24, last + 1)), today - timedelta(days=1), today, zone)
    if name in _DAYS:
        first = today - timedelta(days=_DAYS[name] - 1)
        return _stretch(name, "day", _each_day(first, today, zone), first, today, zone)
    first = _month_after(today.replace(day=1), 1 - _MONTHS)
    months = [_month_after(first, number) for number in range(_MONTHS + 1)]
    return _stretch(name, "month", tuple(_edge(month, zone) for month in months), first, today, zone)


def read_asked(fields: Mapping[str, str], edges: tuple[int, ...]) -> Asked:
    direction = fields.get("direction", "")
    if direction not in ("", "in", "out"):
        raise BadRequest(_("“%(text)s” is none of: %(choices)s.", text=direction[:40], choices="in, out"))
    return Asked(edges, fields.get("node", ""), direction, fields.get("domain", "").lstrip("@").lower())


def _days(fields: Mapping[str, str], today: date) -> tuple[date, date]:
    first = read_day(fields["from"]) if "from" in fields else None
    last = read_day(fields["to"]) if "to" in fields else today
    first = last.replace(day=1) if first is None else first
    if first > last:
        raise BadRequest(_("The stretch ends before it begins."))
    if (last - first).days > _MOST_DAYS:
        raise BadRequest(_("A stretch has at most %(count)s days.", count=_MOST_DAYS))
    return first, last


def _between(first: date, last: date, zone: tzinfo) -> Stretch:
    days = (last - first).days + 1
    if days <= 2:
        low, high = _edge(first, zone), _edge(last + timedelta(days=1), zone)
        return _stretch("", "hour", tuple(range(low, high + 1)), first, last, zone)
    if days <= 92:
        return _stretch("", "day", _each_day(first, last, zone), first, last, zone)
    months = [month for number in range(days // 28 + 2) if first < (month := _month_after(first.replace(day=1), number)) <= last]
    edges = tuple(_edge(each, zone) for each in (first, *months, last + timedelta(days=1)))
    return _stretch("", "month", edges, first, last, zone)


def _stretch(name: str, step: str, edges: tuple[int, ...], first: date, last: date, zone: tzinfo) -> Stretch:
    offset = datetime.combine(last, time(12), zone).utcoffset()
    return Stretch(name, step, edges, first, last, bool(offset and offset % timedelta(hours=1)))


def _each_day(first: date, last: date, zone: tzinfo) -> tuple[int, ...]:
    return tuple(_edge(first + timedelta(days=number), zone) for number in range((last - first).days + 2))


def _edge(day: date, zone: tzinfo) -> int:
    """The first hour that begins in it."""
    return -(-int(datetime.combine(day, time(), zone).timestamp() * 1000) // HOUR_MS)


def _month_after(month: date, count: int) -> date:
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)
