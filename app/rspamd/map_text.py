"""The published text of a map: a line for each entry, as Rspamd's map parser takes it apart."""

import re

from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_values import is_bare

_BLANK = re.compile(r"%20(?!(?:%20)*\Z)")
"""In a URL; Rspamd drops those at the end of a key."""


def as_compared(kind: MapKind, part: MapPart, text: str) -> str:
    """Letters beyond ASCII Rspamd puts into lower case only where its selectors do: in subjects and headers. There each letter becomes
    one, whatever stands beside it; of all else ASCII alone is without case, which values are already."""
    if kind is not MapKind.TEXT or part not in (MapPart.SUBJECT, MapPart.HEADER) or text.isascii():
        return text
    return "".join([char.lower()[0] for char in text])


def line_of(kind: MapKind, text: str, data: str, symbol: str, score: float | None) -> str:
    """Without its end. `score` stands there as it is: without a symbol Rspamd multiplies it with the score of the map's symbol, with a
    symbol that is not registered it is the score."""
    if kind is MapKind.URL:
        text = _BLANK.sub(" ", text)
    key = text if kind is MapKind.REGEXP or is_bare(text) else f'"{text}"'
    behind = data if kind is MapKind.KEY_VALUE else _result(symbol, score)
    return f"{key} {behind}" if behind else key


def _result(symbol: str, score: float | None) -> str:
    if score is None:
        return symbol
    number = f"{score:.4f}".rstrip("0").rstrip(".")
    return f"{symbol}:{number}" if symbol else number
