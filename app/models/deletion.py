"""A stored copy or a whole mail that is to go: who wanted it, whether it is done; and copies that nothing may refer to any more."""

from datetime import datetime
from enum import StrEnum, unique
from typing import Any

from sqlalchemy import Boolean, DateTime, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Digest, Key, Model
from app.models.bulk import BulkResult
from app.models.lesson import MailLesson, MailRescan
from app.models.mail import MailDetail, MailRecipient
from app.models.notice import NoticeLine, NoticeUse
from app.models.release import Release
from app.models.request import MailRequest
from app.models.stats import LateMail


@unique
class Extent(StrEnum):
    COPY = "copy"  # the raw mail; what the log knows of it stays
    MAIL = "mail"


@unique
class Fate(StrEnum):
    WAITING = "waiting"  # may still be undone
    DONE = "done"
    CANCELLED = "cancelled"


class Deletion(Model):
    """Those of whole mails stay: what a spool still holds of such a mail is not brought in again."""

    __tablename__ = "mail_deletion"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigId)
    identity: Mapped[str] = mapped_column(Digest(16), comment="of the mail: its id may be given to another when a clock was set back")
    extent: Mapped[str] = mapped_column(Key(4))
    state: Mapped[str] = mapped_column(Key(10), default=Fate.WAITING)
    due_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC: until then it may be undone")
    asked_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    asked_by: Mapped[str] = mapped_column(Key(100))
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    user_id: Mapped[int | None] = mapped_column(Integer, comment="of who asked; the account may be gone")
    done_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")

    __table_args__ = (
        Index("ix_mail_deletion_mail", "mail_id"),
        Index("ix_mail_deletion_due", "state", "due_at"),
    )


class CopyRemoval(Model):
    """A copy on one node that lost a mail that referred to it. The node looks whether others do, twice, before the file goes."""

    __tablename__ = "copy_removal"

    node: Mapped[str] = mapped_column(Key(64), primary_key=True)
    digest: Mapped[str] = mapped_column(Digest(32), primary_key=True)
    is_aside: Mapped[bool] = mapped_column(Boolean, default=False, comment="nobody refers to it, it seems: who comes now writes it anew")
    due_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC: of the next look")

    __table_args__ = (Index("ix_copy_removal_due", "node", "due_at"),)


PARTS_OF_A_MAIL: tuple[Any, ...] = (MailDetail, MailRecipient, Release, MailLesson, MailRescan, NoticeLine)
"""Go with their mail, by their mail_id."""
OUTLIVE_A_MAIL: tuple[Any, ...] = (Deletion, BulkResult, MailRequest, NoticeUse, LateMail)
