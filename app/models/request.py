"""What somebody asks of those who may do it: that a mail is released to them; or what they tell them: that it was wrongly held back."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, Model

SAID_LENGTH = 500


@unique
class Asks(StrEnum):
    RELEASE = "release"
    WRONG = "wrong"  # nothing is to be done with the mail itself


@unique
class Decision(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    OVERTAKEN = "overtaken"  # the mail went there meanwhile, by somebody else's doing
    CLOSED = "closed"  # of what was told


class MailRequest(Model):
    """One row for a mail and an address: whoever asks again asks the same."""

    __tablename__ = "mail_request"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigId)
    asks: Mapped[str] = mapped_column(Key(10), default=Asks.RELEASE)
    address: Mapped[str] = mapped_column(Key(320), comment="lower case: the recipient of the mail that it is asked for")
    domain: Mapped[str] = mapped_column(Key(255))
    state: Mapped[str] = mapped_column(Key(10), default=Decision.OPEN)
    user_id: Mapped[int] = mapped_column(Integer, comment="of who asks; the account may be gone")
    asked_by: Mapped[str] = mapped_column(Key(100))
    asked_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    comment: Mapped[str] = mapped_column(String(SAID_LENGTH), default="")
    decided_by: Mapped[str] = mapped_column(Key(100), default="")
    decided_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    words: Mapped[str] = mapped_column(String(SAID_LENGTH), default="", comment="of who decided")

    __table_args__ = (
        # Whoever asks twice at once is refused by this, too.
        UniqueConstraint("mail_id", "asks", "address", name="ux_mail_request"),
        # Pages go by id, the newest first.
        Index("ix_mail_request_state", "state", "id"),
        Index("ix_mail_request_domain", "domain", "id"),
        Index("ix_mail_request_user", "user_id", "id"),
    )

    @property
    def is_open(self) -> bool:
        return self.state == Decision.OPEN
