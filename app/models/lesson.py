"""What Rspamd was taught with a mail, and what it said of a mail that it scanned again: a row each time."""

from datetime import datetime

from sqlalchemy import DateTime, Double, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, LongText, Model

REPLY_LENGTH = 500


class MailLesson(Model):
    __tablename__ = "mail_lesson"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigId)
    number: Mapped[int] = mapped_column(Integer, comment="of those of this mail, from 1 on")
    lesson: Mapped[str] = mapped_column(Key(12))
    node: Mapped[str] = mapped_column(Key(64), comment="whose Rspamd was taught")
    state: Mapped[str] = mapped_column(Key(8))
    reply: Mapped[str] = mapped_column(String(REPLY_LENGTH), default="", comment="Rspamd's words, or why it was not asked")
    asked_by: Mapped[str] = mapped_column(Key(100))
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")

    # Whoever teaches at the same time as another is refused by this, too.
    __table_args__ = (UniqueConstraint("mail_id", "number", name="ux_mail_lesson"),)


class MailRescan(Model):
    __tablename__ = "mail_rescan"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigId)
    number: Mapped[int] = mapped_column(Integer, comment="of those of this mail, from 1 on")
    node: Mapped[str] = mapped_column(Key(64), comment="whose Rspamd was asked")
    version: Mapped[str] = mapped_column(String(40), comment="of that Rspamd; empty: not told")
    action: Mapped[str] = mapped_column(Key(32))
    score: Mapped[float] = mapped_column(Double)
    symbols: Mapped[str] = mapped_column(LongText, comment="JSON, as those of the mail")
    asked_by: Mapped[str] = mapped_column(Key(100))
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")

    __table_args__ = (UniqueConstraint("mail_id", "number", name="ux_mail_rescan"),)
