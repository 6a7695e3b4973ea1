"""Whom a dry run of the letters would tell: some by name and the rest as a number, in memory that does not grow with them."""

import heapq
from dataclasses import dataclass, field
from hashlib import blake2b

SHOWN = 50
_MARKS = 4096
_MOST = 1 << 64


@dataclass(slots=True)
class Owners:
    named: dict[str, int] = field(default_factory=dict)
    """Of the first: how many mails."""
    _marks: set[int] = field(default_factory=set)
    """The lowest hashes of all: the closer together they lie, the more owners there are."""
    _highest: list[int] = field(default_factory=list)
    """The same, as a heap with the highest in front, which goes first."""

    def add(self, owner: str) -> None:
        if owner in self.named or len(self.named) < SHOWN:
            self.named[owner] = self.named.get(owner, 0) + 1
        mark = int.from_bytes(blake2b(owner.encode(), digest_size=8).digest())
        if mark in self._marks or (self.is_about and mark > -self._highest[0]):
            return
        self._marks.add(mark)
        heapq.heappush(self._highest, -mark)
        if len(self._marks) > _MARKS:
            self._marks.remove(-heapq.heappop(self._highest))

    @property
    def is_about(self) -> bool:
        """Whether there are so many that they are no longer counted one by one."""
        return len(self._marks) == _MARKS

    @property
    def count(self) -> int:
        return (_MARKS - 1) * _MOST // -self._highest[0] if self.is_about else len(self._marks)

    def words(self, without: int = 0) -> str:
        return f"about {self.count - without}" if self.is_about else str(self.count - without)
