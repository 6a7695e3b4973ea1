"""Symbols: brought into one shape, and what they mean."""

import functools
import math
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from app.rspamd.values import as_line

Symbol = dict[str, Any]

# A scanner that could not look, or that saw something it cannot judge, found no virus.
_NO_VIRUS = ("_FAIL", "_FAILED", "_ENCRYPTED", "_MACRO", "_SKIPPED", "_ERROR", "_TIMEOUT")
_LARGEST = 1e15


def tidy(found: Iterable[Any]) -> tuple[tuple[Symbol, ...], bool]:
    """Sorted by name, and whether all of them were as they should be; what has no name is left out."""
    symbols: list[Symbol] = []
    good = True
    for item in found:
        name = as_line(item.get("name")) if isinstance(item, dict) else ""
        if not name:
            good = False
            continue
        symbol: Symbol = {"name": name, "score": 0.0}
        for key in ("score", "weight"):
            if key in item:
                number = _finite(item[key])
                symbol[key] = number or 0.0
                good &= number is not None
        if group := item.get("group"):
            symbol["group"] = as_line(group)
        for key in ("groups", "options"):
            if isinstance(values := item.get(key), list) and values:
                symbol[key] = [value.strip() if type(value) is str and value.isprintable() else as_line(value) for value in values]
        symbols.append(symbol)
    symbols.sort(key=lambda symbol: str(symbol["name"]))
    return tuple(symbols), good


def _finite(value: Any) -> float | None:
    """Rounded, since the formats write fractions with more or fewer digits."""
    if type(value) is int and -_LARGEST < value < _LARGEST:
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return round(number, 6) if math.isfinite(number) and abs(number) < _LARGEST else None


def virus_of(symbols: Iterable[Symbol], patterns: tuple[str, ...]) -> str | None:
    """The name of the virus that was found, or None. A pattern may begin or end with *; the highest score wins.

    A symbol without score and without options only tells that somebody looked.
    """
    matches = _matcher(patterns)
    found: Symbol | None = None
    for symbol in symbols:
        name = symbol["name"]
        if matches(name) and not name.endswith(_NO_VIRUS) and (symbol["score"] > 0 or symbol.get("options")):
            found = symbol if found is None or symbol["score"] > found["score"] else found
    if found is None:
        return None
    options = found.get("options") or [""]
    return str(options[0] or found["name"])


@functools.lru_cache(maxsize=32)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], Any]:
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns) or r"(?!)").fullmatch


def has_like(symbols: Iterable[Symbol], patterns: tuple[str, ...]) -> bool:
    """A pattern may begin or end with *."""
    matches = _matcher(patterns)
    return any(matches(symbol["name"]) for symbol in symbols)


def has_any(symbols: Iterable[Symbol], names: Collection[str]) -> bool:
    return bool(names) and any(symbol["name"] in names for symbol in symbols)
