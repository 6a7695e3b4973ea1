"""The values of filters: what was typed, as the type its field has, or BadRequest with a sentence that says what would do."""

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from flask_babel import gettext as _

from app.clock import utcnow
from app.errors import BadRequest
from app.queries.fields import Field, Kind, Op

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(k|m|g)?(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}
_YES = {"yes", "y", "true", "1", "on"}
_NO = {"no", "n", "false", "0", "off"}
_LARGEST = 2**31 - 1
Span = tuple[datetime | None, datetime | None]
Limits = tuple[float | None, float | None]


def read_value(field: Field, op: Op, text: str, zone: tzinfo) -> Any:
    if op is Op.EMPTY:
        return ""
    match field.kind:
        case Kind.TIME:
            return read_span(op, text, zone)
        case Kind.NUMBER | Kind.SIZE:
            return _limits(op, text, _number if field.kind is Kind.NUMBER else _size)
        case Kind.CHOICE:
            return _choice(field, text.lower())
        case Kind.SYMBOL:
            return _symbol(op, text)
    value = _READ[field.kind](text)
    if value == "" and op in (Op.STARTS, Op.CONTAINS, Op.LACKS):
        raise BadRequest(_("“%(text)s” is nothing to search for.", text=text))
    return value


def read_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadRequest(_("“%(text)s” is no IP address or network.", text=text)) from None


def _choice(field: Field, text: str) -> str:
    if field.name != "action" and text not in field.choices:  # an action may have any name
        raise BadRequest(_("“%(text)s” is none of: %(choices)s.", text=text, choices=", ".join(field.choices)))
    return text


def _flag(text: str) -> bool:
    yes, no = _YES | {_("yes")}, _NO | {_("no")}
    if text not in yes | no:
        raise BadRequest(_("“%(text)s” is neither yes nor no.", text=text))
    return text in yes


def _symbol(op: Op, text: str) -> tuple[str, float | None]:
    """The name, and with ≥ the score after it: "BAYES_SPAM 4.5"."""
    if op is not Op.GE:
        return text, None
    parts = re.split(r"[\s:=>≥]+", text, maxsplit=1)
    if len(parts) != 2:
        raise BadRequest(_("Write the symbol's name, a blank and the least score, as in “BAYES_SPAM 4.5”."))
    return parts[0], _number(parts[1])


def _limits(op: Op, text: str, read: Any) -> Limits:
    """Both ends belong to it."""
    if op is Op.BETWEEN:
        low, dots, high = text.partition("..")
        if not dots:
            raise BadRequest(_("Write both ends with two dots between, as in “5..10”."))
        return read(low), read(high)
    return (read(text), None) if op is Op.GE else (None, read(text))


def _number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e15:
        raise BadRequest(_("“%(text)s” is no number.", text=text))
    return number


def _size(text: str) -> float:
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise BadRequest(_("“%(text)s” is no size, such as 500k or 2 MB.", text=text))
    return min(int(float(match[1]) * _UNITS[(match[2] or "").lower()]), _LARGEST)


_READ: dict[Kind, Callable[[str], Any]] = {
    Kind.ADDRESS: lambda text: text.strip("<>").lower(),
    Kind.DOMAIN: lambda text: text.lstrip("@").lower(),
    Kind.CODE: lambda text: text.strip("<>"),
    Kind.TEXT: str,
    Kind.IP: read_network,
    Kind.FLAG: lambda text: _flag(text.lower()),
}


# As the German screens write it; slashes mean days first to some and months first to others.
_GERMAN_DAY = re.compile(r"^(\d\d)\.(\d\d)\.(\d{4})")

# --- times -----------------------------------------------------------------------------------------------------------------


def read_span(op: Op, text: str, zone: tzinfo) -> Span:
    """From the first moment to before the last; None where it is open."""
    if op is Op.BETWEEN:
        low, dots, high = text.partition("..")
        if not dots:
            raise BadRequest(_("Write both ends with two dots between, as in “2026-01-01..2026-01-31”."))
        return _moment(low, zone)[0], _moment(high, zone)[1]
    first, last = _moment(text, zone)
    match op:
        case Op.GE:
            return first, None
        case Op.LE:
            return None, last
    return first, last


def _moment(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first moment of what was meant, and the first one after it: of a day, a minute or a second."""
    text = _GERMAN_DAY.sub(r"\3-\2-\1", text.strip())
    word = text.lower()
    today = utcnow().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        near = word in ("today", "yesterday")
        meant = today - timedelta(days=word == "yesterday") if near else datetime.fromisoformat(text)
        length = timedelta(days=1) if len(word) <= 10 else timedelta(minutes=1) if len(word) <= 16 else timedelta(seconds=1)
        if not 1970 < meant.year <= 2100:
            raise ValueError(meant)
        if meant.tzinfo is not None:
            return meant, meant + timedelta(seconds=1)
        return meant.replace(tzinfo=zone), (meant + length).replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise BadRequest(_("“%(text)s” is no day or time, such as 2026-01-31 or 2026-01-31 14:30.", text=text)) from None
