"""What somebody chose for themselves."""

from dataclasses import dataclass

from sqlalchemy import select

from app.extensions import db
from app.models.people import UserSetting


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: as the browser says."""

    language: str = ""
    zone: str = ""
    theme: str = ""


NO_CHOICES = Choices()


def choices_of(user_id: int) -> Choices:
    columns = (UserSetting.language, UserSetting.zone, UserSetting.theme)
    row = db.session.execute(select(*columns).where(UserSetting.user_id == user_id)).one_or_none()
    return NO_CHOICES if row is None else Choices(*row)
