"""A legal hold: mails that neither retention nor anybody deletes until it is lifted."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import DateTime, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, LongText, Model

REASON_LENGTH = 500


@unique
class Held(StrEnum):
    MAIL = "mail"
    ADDRESS = "address"  # all mails to it
    DOMAIN = "domain"
    SEARCH = "search"  # all mails that it finds


class LegalHold(Model):
    __tablename__ = "legal_hold"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(Key(10))
    value: Mapped[str] = mapped_column(LongText, comment="a mail id, an address, a domain, or a search as it was typed")
    filters: Mapped[str] = mapped_column(LongText, comment="JSON, of a search: what it meant on that day")
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH))
    held_by: Mapped[str] = mapped_column(Key(100))
    held_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    lifted_by: Mapped[str] = mapped_column(Key(100), default="")
    lifted_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; none: it stands")
