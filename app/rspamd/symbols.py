"""What symbols mean."""

import functools
import re
from collections.abc import Collection, Iterable
from typing import Any

Symbol = dict[str, Any]

# A scanner that could not look, or that saw something it cannot judge, found no virus.
_NO_VIRUS = ("_FAIL", "_ENCRYPTED", "_MACRO", "_SKIPPED", "_ERROR", "_TIMEOUT")


def virus_of(symbols: Iterable[Symbol], patterns: tuple[str, ...]) -> str | None:
    """The name of the virus that was found, or None. A pattern may begin or end with *."""
    matches = _matcher(patterns)
    for symbol in symbols:
        name = symbol["name"]
        if matches(name) and not name.endswith(_NO_VIRUS):
            options = symbol.get("options") or [name]
            return str(options[0]) or str(name)
    return None


@functools.lru_cache(maxsize=32)
def _matcher(patterns: tuple[str, ...]) -> Any:
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns) or r"(?!)").fullmatch


def has_any(symbols: Iterable[Symbol], names: Collection[str]) -> bool:
    return bool(names) and any(symbol["name"] in names for symbol in symbols)
