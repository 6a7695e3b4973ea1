"""The published text of a map: a line for each entry, as Rspamd's map parser takes it apart."""

from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import is_bare


def line_of(kind: MapKind, text: str, data: str, symbol: str, score: float | None) -> str:
    """Without its end. `score` stands there as it is: without a symbol Rspamd multiplies it with the score of the map's symbol, with a
    symbol that is not registered it is the score."""
    if kind is MapKind.URL:
        text = text.replace("%20", " ")
    key = text if kind is MapKind.REGEXP or is_bare(text) else f'"{text}"'
    behind = data if kind is MapKind.KEY_VALUE else _result(symbol, score)
    return f"{key} {behind}" if behind else key


def _result(symbol: str, score: float | None) -> str:
    if score is None:
        return symbol
    number = f"{score:.4f}".rstrip("0").rstrip(".")
    return f"{symbol}:{number}" if symbol else number
