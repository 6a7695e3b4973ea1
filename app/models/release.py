"""A stored mail sent on: one row for each time that somebody wanted it to go to one address."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, Model

WORDS_LENGTH = 500


@unique
class Step(StrEnum):
    WAITING = "waiting"  # may still be undone
    SENDING = "sending"  # claimed by who sends it
    SENT = "sent"
    FAILED = "failed"  # for good, or until next_try_at
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # it may have gone: look before it is sent again


@unique
class Mode(StrEnum):
    AS_IT_WAS = "as_it_was"
    ATTACHED = "attached"  # to a mail of ours that explains it


class Release(Model):
    __tablename__ = "mail_release"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(Key(320), comment="lower case")
    number: Mapped[int] = mapped_column(Integer, comment="of those for this mail and address, from 1 on")
    target: Mapped[str] = mapped_column(Key(320), comment="the address as the envelope had it")
    mode: Mapped[str] = mapped_column(Key(10), default=Mode.AS_IT_WAS)
    state: Mapped[str] = mapped_column(Key(10), default=Step.WAITING)
    node: Mapped[str] = mapped_column(Key(64), comment="the node that was asked, which has the copy and sends it")
    due_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC: until then it may be undone")
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; none where nothing is to be done")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    claim: Mapped[str | None] = mapped_column(Key(32), comment="random, of who sends it")
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    reply: Mapped[str] = mapped_column(String(WORDS_LENGTH), default="", comment="the relay's words, or why it was not asked")
    asked_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    asked_by: Mapped[str] = mapped_column(Key(100))
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    user_id: Mapped[int | None] = mapped_column(Integer, comment="of who asked; the account may be gone")
    sent_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")

    __table_args__ = (
        # Whoever asks twice at once is refused by this, too.
        UniqueConstraint("mail_id", "address", "number", name="ux_mail_release"),
        Index("ix_mail_release_due", "state", "next_try_at"),
    )

    @property
    def is_tried_again(self) -> bool:
        return self.state == Step.FAILED and self.next_try_at is not None

    @property
    def is_under_way(self) -> bool:
        return self.state in (Step.WAITING, Step.SENDING) or self.is_tried_again
