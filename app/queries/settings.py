"""What somebody chose for themselves."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, or_, select

from app.extensions import db
from app.models.people import User, UserAddress


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: as the browser says."""

    language: str = ""
    zone: str = ""
    theme: str = ""


NO_CHOICES = Choices()


def choices_at(address: str) -> Choices:
    """Of the account that an address belongs to, where there is one."""
    further = exists().where(UserAddress.user_id == User.id, UserAddress.address == address)
    user = db.session.scalar(select(User).where(or_(func.lower(User.email) == address, further)).order_by(User.id).limit(1))
    return NO_CHOICES if user is None else choices_of(user)


def choices_of(user: Any) -> Choices:
    """Its row comes with the account, in the same query."""
    row = user.setting
    return NO_CHOICES if row is None else Choices(row.language, row.zone, row.theme)
