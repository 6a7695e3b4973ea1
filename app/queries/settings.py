"""What somebody chose for themselves."""

from dataclasses import dataclass
from typing import Any

from app.extensions import db
from app.models.people import User
from app.queries.accounts import accounts_of


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: as the browser says."""

    language: str = ""
    zone: str = ""
    theme: str = ""


NO_CHOICES = Choices()


def choices_at(address: str) -> Choices:
    """Of the account that an address belongs to, where there is one."""
    numbers = accounts_of([address]).get(address, frozenset())
    user = db.session.get(User, min(numbers)) if numbers else None
    return NO_CHOICES if user is None else choices_of(user)


def choices_of(user: Any) -> Choices:
    """Its row comes with the account, in the same query."""
    row = user.setting
    return NO_CHOICES if row is None else Choices(row.language, row.zone, row.theme)
