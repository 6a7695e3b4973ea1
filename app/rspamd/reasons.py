"""Why a mail was judged as it was: symbols, of which nobody should have to know, gathered into a few reasons."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.rspamd.marks import listing_of
from app.rspamd.reasons_table import GROUPS, SYMBOLS, Reason

_Rule = tuple[str, Callable[[str], Any]]
_LISTED = {"allow": Reason.ALLOWED, "deny": Reason.DENIED}


@dataclass(frozen=True, slots=True)
class Weighed:
    reason: str
    """A Reason, or the name of a group that the site made."""
    score: float
    symbols: tuple[str, ...]


def _rule(reason: str, names: Iterable[str]) -> _Rule:
    """* in a name stands for anything."""
    pattern = "|".join(re.escape(name).replace(r"\*", ".*") for name in names)
    return str(reason), re.compile(pattern, re.DOTALL).fullmatch


class Reasons:
    """`own` are symbols of the site, by name or with *, and the reason each stands for; they come before ours."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = [_rule(reason, [name]) for name, reason in (own or {}).items()]
        self._ours = [_rule(reason, names.split()) for reason, names in SYMBOLS]
        self._known: dict[tuple[str, str], str] = {}

    def reason_of(self, name: str, group: str = "") -> str:
        """`group` is Rspamd's, for names that tell nothing. What a stranger could make up is not remembered for ever."""
        found = self._known.get((name, group))
        if found is None:
            found = self._find(name[:200], group)
            if len(self._known) < 5000:
                self._known[name, group] = found
        return found

    def _find(self, name: str, group: str) -> str:
        own = _first(self._own, name) or _LISTED.get(listing_of([{"name": name}]))
        return own or _first(self._ours, name) or GROUPS.get(group, Reason.OTHER)

    def weigh(self, symbols: Iterable[Mapping[str, Any]]) -> list[Weighed]:
        """What spoke for and against, heaviest first; what weighed nothing is left out."""
        scores: dict[str, float] = {}
        names: dict[str, list[str]] = {}
        for symbol in symbols:
            name = str(symbol.get("name", ""))
            reason = self.reason_of(name, str(symbol.get("group", "")))
            score = float(symbol.get("score") or 0)
            scores[reason] = scores.get(reason, 0.0) + score
            if score:
                names.setdefault(reason, []).append(name)
        found = [Weighed(reason, round(score, 2), tuple(names[reason])) for reason, score in scores.items() if abs(score) >= 0.05]
        return sorted(found, key=lambda weighed: -abs(weighed.score))


def _first(rules: Iterable[_Rule], name: str) -> str | None:
    return next((reason for reason, matches in rules if matches(name)), None)
