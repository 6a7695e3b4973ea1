"""Symbols: brought into one shape, and what they mean."""

import functools
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from app.mime.text import one_line
from app.rspamd.values import as_line

Symbol = dict[str, Any]

# A scanner that could not look, or that saw something it cannot judge, found no virus.
_NO_VIRUS = ("_FAIL", "_FAILED", "_ENCRYPTED", "_MACRO", "_SKIPPED", "_ERROR", "_TIMEOUT")
_LARGEST = 1e15
_SHORT = 48
_NUMBERS = ("score", "weight")
_LISTS = ("groups", "options")
_BY_NAME = operator.itemgetter("name")


def tidy(found: Iterable[Any]) -> tuple[tuple[Symbol, ...], bool]:
    """Sorted by name, and whether all of them were as they should be; what has no name is left out."""
    symbols: list[Symbol] = []
    good = True
    for item in found:
        name = _line(item.get("name")) if isinstance(item, dict) else ""
        if not name:
            good = False
            continue
        symbol: Symbol = {"name": name, "score": 0.0}
        for key in _NUMBERS:
            if key in item:
                number = _finite(item[key])
                symbol[key] = number or 0.0
                good = good and number is not None
        if group := item.get("group"):
            symbol["group"] = _line(group)
        for key in _LISTS:
            values = item.get(key)
            if values and isinstance(values, list):
                symbol[key] = list(map(_line, values))
        symbols.append(symbol)
    symbols.sort(key=_BY_NAME)
    return tuple(symbols), good


def _line(value: Any) -> str:
    """The same words in each mail, hundreds of them."""
    return _short_line(value) if type(value) is str and len(value) <= _SHORT else as_line(value)


_short_line = functools.lru_cache(maxsize=8192)(one_line)


def _finite(value: Any) -> float | None:
    """Rounded, since the formats write fractions with more or fewer digits."""
    return _rounded(value) if type(value) in (float, int) else _number(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return round(number, 6) + 0.0 if math.isfinite(number) and abs(number) < _LARGEST else None  # and no -0.0


_rounded = functools.lru_cache(maxsize=8192)(_number)


def virus_of(symbols: Iterable[Symbol], patterns: tuple[str, ...]) -> str | None:
    """The name of the virus that was found, or None. A pattern may begin or end with *; the highest score wins.

    A symbol without score and without options only tells that somebody looked.
    """
    found: Symbol | None = None
    for symbol in symbols:
        if _tells_of_virus(symbol["name"], patterns) and (symbol["score"] > 0 or symbol.get("options")):
            found = symbol if found is None or symbol["score"] > found["score"] else found
    if found is None:
        return None
    options = found.get("options") or [""]
    return str(options[0] or found["name"])


@functools.lru_cache(maxsize=4096)
def _tells_of_virus(name: str, patterns: tuple[str, ...]) -> bool:
    return bool(_matcher(patterns)(name)) and not name.endswith(_NO_VIRUS)


@functools.lru_cache(maxsize=32)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], Any]:
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns) or r"(?!)").fullmatch


def has_like(symbols: Iterable[Symbol], patterns: tuple[str, ...]) -> bool:
    """A pattern may begin or end with *."""
    matches = _matcher(patterns)
    return any(matches(symbol["name"]) for symbol in symbols)


def has_any(symbols: Iterable[Symbol], names: Collection[str]) -> bool:
    return bool(names) and any(symbol["name"] in names for symbol in symbols)
