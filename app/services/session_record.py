"""What is kept of a browser that is logged in, how long it counts, and how two of its requests at once are brought together."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.clock import stored_now

Data = dict[str, Any]
FLASHES = "_flashes"


@dataclass(frozen=True, slots=True)
class Record:
    digest: str
    user_id: int
    data: Data
    created_at: datetime
    seen_at: datetime
    ip: str | None
    agent: str


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long somebody may be idle, and how long a login counts at all."""

    idle: timedelta
    whole: timedelta

    def has_ended(self, created_at: datetime, seen_at: datetime) -> bool:
        now = whole_seconds()
        return now - seen_at >= self.idle or now - created_at >= self.whole


class SessionStore(Protocol):
    """Where records are kept. Only `add` makes one: what was ended meanwhile stays ended."""

    def add(self, record: Record) -> None: ...

    def load(self, digest: str) -> Record | None: ...

    def save(self, digest: str, merge: Callable[[Data], Data]) -> None: ...

    def renew(self, digest: str) -> None: ...

    def delete(self, digest: str) -> None: ...

    def delete_all_of(self, user_id: int, but: str | None = None) -> int: ...

    def list_of(self, user_id: int) -> list[Record]: ...

    def purge(self) -> int: ...


def whole_seconds() -> datetime:
    """Now, in UTC, as every database keeps it."""
    return stored_now().replace(microsecond=0)


def as_text(data: Data) -> str:
    """JSON; a text that waits for its language is told in that of the moment."""
    return json.dumps(data, default=str, ensure_ascii=False, sort_keys=True)


def from_text(text: str) -> Data:
    found: Data = json.loads(text)
    return found


def merged(there: Data, before: Data, after: Data) -> Data:
    """What one request made of `before`, done to what is there now: another tab may have changed it meanwhile."""
    result = dict(there)
    for name in before.keys() | after.keys():
        if before.get(name) == after.get(name):
            continue
        if name == FLASHES:
            shown = [each for each in before.get(name, []) if each not in after.get(name, [])]
            told = [each for each in after.get(name, []) if each not in before.get(name, [])]
            result[name] = [each for each in there.get(name, []) if each not in shown] + told
        elif name in after:
            result[name] = after[name]
        else:
            result.pop(name, None)
    return {name: value for name, value in result.items() if name != FLASHES or value}
