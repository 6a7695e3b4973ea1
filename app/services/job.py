"""What a job is, and what it says while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

_LOG_LENGTH = 64_000
_LEFT_OUT = "... (the lines before are left out)"


@unique
class Scope(StrEnum):
    CLUSTER = "cluster"  # once for each due time, wherever
    NODE = "node"  # once on each node


class LeaseLost(Exception):
    """Somebody else runs the job by now: what this one still writes does not count."""


class Report:
    """Of one run; the job says through it how far it is and asks whether it is to end. Its last line is what the run did."""

    def __init__(self, *, dry: bool = False, whole: bool = False, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self.dry = dry
        self.whole = whole
        """Somebody waits until all is done, and not only a piece of it."""
        self.done = self.total = 0
        self.words = ""
        self.was_stopped = False
        self.is_lost = False
        self.rests = False
        """What it needs is away, which is no failure of its own: its next run waits, and longer each time."""
        self.shown: Callable[[], object] = lambda: None
        """Called with each step, for whoever watches."""
        self.hold: Callable[[], object] = lambda: None
        self._lines: list[str] = []
        self._length = 0
        self._is_cut = False
        self._is_stopping = is_stopping

    def say(self, line: str) -> None:
        line = line.replace("\0", "\ufffd")
        self.words = line
        self._lines.append(line)
        self._length += len(line) + 1
        while self._length > _LOG_LENGTH and len(self._lines) > 1:
            self._length -= len(self._lines.pop(0)) + 1
            self._is_cut = True
        self.shown()

    def progress(self, done: int, total: int = 0) -> None:
        self.done, self.total = done, total
        self.shown()

    def is_over(self) -> bool:
        """Whether to end before it is done: the process ends, or another has taken over. What is left is for the next run."""
        if self.is_lost or self._is_stopping():
            self.was_stopped = True
        return self.was_stopped

    def must_hold(self) -> None:
        """In a transaction of the job, before its commit: LeaseLost where the run is somebody else's by now, whatever the clock says."""
        self.hold()

    @property
    def log(self) -> str:
        text = "\n".join(self._lines)[-_LOG_LENGTH:]
        return f"{_LEFT_OUT}\n{text}" if self._is_cut else text


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    scope: Scope
    schedule: str
    """Where nobody has chosen another."""
    run: Callable[[Report], object]
    label: Any
    about: Any
    can_be_dry: bool = False
    can_be_whole: bool = False
    """A run does a piece, unless all is asked for."""

    def key(self, node: str) -> str:
        return self.name if self.scope is Scope.CLUSTER else f"{self.name}@{node}"
