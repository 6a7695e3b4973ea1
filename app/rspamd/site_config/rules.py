"""Which maps become rules of Rspamd's, and why the others do not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.rspamd.map_kinds import MapPart, MapRule, may_be

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Chosen:
    rules: tuple[MapRule, ...]
    left_out: tuple[tuple[MapRule, str], ...]
    """With the reason."""


def choose(maps: Sequence[MapRule]) -> Chosen:
    rules: dict[str, MapRule] = {}
    left_out = []
    for rule in sorted(maps, key=lambda rule: rule.name):
        reason = _against(rule)
        if not reason and rule.symbol in rules:
            reason = f"its symbol {rule.symbol} is that of {rules[rule.symbol].name}, and Rspamd takes it once"
        if reason:
            left_out.append((rule, reason))
        else:
            rules[rule.symbol] = rule
    return Chosen(tuple(rules.values()), tuple(left_out))


def _against(rule: MapRule) -> str:
    """Checked again where it is written: nothing may end a line or a string of Rspamd's configuration."""
    if not rule.enabled:
        return "it is disabled"
    if rule.part is MapPart.NONE:
        return "it is compared with nothing; whoever wants it fetches it"
    if not rule.symbol:
        return "it has no symbol"
    if not _SYMBOL.match(rule.symbol):
        return "its symbol is none that Rspamd reads everywhere"
    if not _NAME.match(rule.name):
        return "its name is no plain file name"
    if not may_be(rule.kind, rule.part):
        return f"{rule.kind} cannot be compared with {rule.part}"
    if rule.part is MapPart.HEADER and not _HEADER.match(rule.header):
        return "its header has no plain name"
    return ""


def own_result(symbol: str, score: float | None, of_map: str, map_score: float) -> tuple[str, float | None]:
    """Symbol and score as the map's line has to say them, so that the entry's own score counts instead of the map's.

    Rspamd multiplies what stands behind a key with the score of the map's symbol; a symbol that it does not know gets what stands there.
    """
    if symbol:
        return symbol, (map_score if of_map else None) if score is None else score
    if score is None or score == map_score:
        return "", None
    if not of_map:
        return "", score
    return ("", score / map_score) if map_score else (f"{of_map}_SCORED", score)
