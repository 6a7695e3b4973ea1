"""What becomes of the lines of an import: a verdict of each, and how many there are of which."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from hashlib import blake2b
from typing import Any

from app.rspamd.map_lines import Line


@unique
class Mode(StrEnum):
    ADD = "add"  # what is there stays as it is
    UPDATE = "update"  # what is there becomes as the lines say
    REPLACE = "replace"  # and what no line names goes


@unique
class Verdict(StrEnum):
    """Of a line."""

    NEW = "new"
    SAME = "same"  # it is there, just so
    OTHER = "other"  # it is there with another comment, score, ...
    TWICE = "twice"  # an earlier line says it
    WRONG = "wrong"
    NOT_YOURS = "not_yours"


@dataclass(slots=True)
class Judged:
    line: Line
    verdict: Verdict
    row: dict[str, Any] | None = None
    """What is to become of an entry that is there but different."""
    there: int | None = None
    """Id of the entry that has this value."""
    against: tuple[str, ...] = ()
    """Names of the maps that say the opposite."""
    differs: tuple[str, ...] = ()
    """In which columns, of what is there but different."""
    why: str = ""

    @property
    def value(self) -> str:
        """Empty where the line is wrong."""
        return self.line.value.text if self.line.value is not None else ""

    @property
    def is_cautioned(self) -> bool:
        return self.line.value is not None and bool(self.line.value.warnings) and self.verdict in (Verdict.NEW, Verdict.OTHER)


# Of these something is to be said, in this order; what is merely new or the same speaks for itself.
_RANKS = (Verdict.WRONG, Verdict.NOT_YOURS, "against", "caution", Verdict.OTHER, Verdict.TWICE)


@dataclass(slots=True)
class Tally:
    most: int
    """So many lines of each sort are kept to be shown."""
    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    contradicting: int = 0
    cautions: int = 0
    removed: int = 0
    """Entries that no line names, where the map is to be replaced."""
    revision: int | None = None
    """That came of it; None where nothing was changed."""
    _kept: dict[str, list[Judged]] = field(default_factory=lambda: {rank: [] for rank in _RANKS})

    def add(self, judged: Judged) -> None:
        self.counts[judged.verdict] += 1
        is_cautioned = judged.is_cautioned
        self.contradicting += bool(judged.against)
        self.cautions += is_cautioned
        rank = "against" if judged.against else "caution" if is_cautioned else judged.verdict
        kept = self._kept.get(rank)
        if kept is not None and len(kept) < self.most:
            kept.append(judged)

    @property
    def lines(self) -> int:
        return sum(self.counts.values())

    @property
    def bad(self) -> int:
        return self.counts[Verdict.WRONG] + self.counts[Verdict.NOT_YOURS]

    @property
    def notable(self) -> list[Judged]:
        """The worst first."""
        return [judged for kept in self._kept.values() for judged in kept]

    @property
    def is_cut(self) -> bool:
        """Whether there are more notable lines than are kept."""
        return any(len(kept) == self.most for kept in self._kept.values())

    def good(self, mode: Mode) -> int:
        """Lines by which something changes."""
        return self.counts[Verdict.NEW] + (self.counts[Verdict.OTHER] if mode is not Mode.ADD else 0)

    def told(self) -> dict[str, int]:
        """For the history: of each verdict that there was, how many."""
        return {verdict.value: count for verdict, count in self.counts.items() if count}


def digest_of(value: str) -> bytes:
    return blake2b(value.encode(), digest_size=8).digest()
