"""What somebody chose for themselves."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: as the browser says."""

    language: str = ""
    zone: str = ""
    theme: str = ""


NO_CHOICES = Choices()


def choices_of(user: Any) -> Choices:
    """Its row comes with the account, in the same query."""
    row = user.setting
    return NO_CHOICES if row is None else Choices(row.language, row.zone, row.theme)
