"""Which mails of the last days an entry would have hit."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.models import Mail, Map
from app.queries.scope import Scope


@dataclass(frozen=True, slots=True)
class Tried:
    count: int
    capped: bool
    rows: Sequence[Mail]
    searched_to: int | None = None
    untold: str | None = None


def try_values(
    scope: Scope, found: Map, values: Sequence[str] | None, *, days: int = 7, seconds: float | None = None, country_of: object = None
) -> Tried:
    return Tried(0, False, ())
