"""Who is told by letter of mail that is kept for them: what waits to be told, the letters, their links, and who wants how much of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Digest, Key, LongText, Model

NOTICE_WORDS = 300
NEVER = "never"
"""Instead of times: no letters."""


@unique
class OwnerKind(StrEnum):
    """Who it is that is told by letter."""

    USER = "user"  # an account, by its number
    ADDRESS = "address"  # one that no account speaks for
    WATCH = "watch"  # an address that watches over domains

    def of(self, name: str | int) -> str:
        """As it stands in the tables."""
        return f"{self.value}:{name}"


@dataclass(frozen=True, slots=True)
class NoticeOwner:
    """What such a text says."""

    kind: OwnerKind
    name: str

    @classmethod
    def read(cls, text: str) -> "NoticeOwner | None":
        """None where it is nobody's."""
        kind, _colon, name = text.partition(":")
        if kind not in frozenset(OwnerKind) or not name or (kind == OwnerKind.USER and not (name.isascii() and name.isdigit())):
            return None
        return cls(OwnerKind(kind), name)

    @classmethod
    def is_of(cls, kind: OwnerKind, text: str) -> bool:
        read = cls.read(text)
        return read is not None and read.kind is kind

    @property
    def user_id(self) -> int | None:
        return int(self.name) if self.kind is OwnerKind.USER else None


@unique
class NoticeStep(StrEnum):
    """Of a letter. It goes on from WAITING by conditional updates, and is never given to the relay twice."""

    WAITING = "waiting"  # for its turn, or for another try after the relay said not now
    SENDING = "sending"  # claimed; after a crash it becomes UNKNOWN
    SENT = "sent"
    FAILED = "failed"  # will not be tried again
    UNKNOWN = "unknown"  # the relay may have it: not sent again
    EMPTY = "empty"  # all that it would have told of was gone by then


@unique
class NoticeKind(StrEnum):
    AT_ONCE = "at once"
    DIGEST = "digest"
    WATCH = "watch"  # all mail kept for some domains, for their postmaster or whoever is named


class NoticeLine(Model):
    """One mail that somebody is to be told of, or was: written once, whoever else looks at the mail, so nobody is told twice."""

    __tablename__ = "notice_line"
    __table_args__ = (
        Index("ix_notice_line_owner", "owner", "notice_id", "mail_id"),
        Index("ix_notice_line_notice", "notice_id", "mail_id"),
    )

    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(Key(340), primary_key=True, comment="user:ID, address:ADDRESS or watch:ADDRESS")
    address: Mapped[str] = mapped_column(Key(320), comment="which of their addresses it came to; of a watcher: the first in the domains")
    notice_id: Mapped[int | None] = mapped_column(BigId, comment="the letter that tells of it; none: it waits for one")


class NoticeDue(Model):
    """Somebody for whom lines wait, and when their letter is to be written."""

    __tablename__ = "notice_due"
    __table_args__ = (Index("ix_notice_due_at", "due_at"),)

    owner: Mapped[str] = mapped_column(Key(340), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")


class Notice(Model):
    """A letter. Its words are made when it is sent, of what is still kept then."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_state", "state", "next_try_at"),
        Index("ix_notice_owner", "owner", "id"),
        Index("ix_notice_address", "address", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(Key(10))
    owner: Mapped[str] = mapped_column(Key(340))
    address: Mapped[str] = mapped_column(Key(320), comment="where it goes")
    mails: Mapped[int] = mapped_column(Integer, comment="how many it tells of, or would")
    secret: Mapped[str] = mapped_column(Digest(16), comment="its links are signed with it, too")
    made_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    state: Mapped[str] = mapped_column(Key(10))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; none: never again")
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    answer: Mapped[str] = mapped_column(String(NOTICE_WORDS), default="", comment="what the relay said, or why not")
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; its links do nothing any more")
    revoked_by: Mapped[str] = mapped_column(Key(100), default="")


class NoticeUse(Model):
    """A link that was used: each works once."""

    __tablename__ = "notice_use"

    notice_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    act: Mapped[str] = mapped_column(Key(10), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    ip: Mapped[str] = mapped_column(Key(45))


class NoticeRefusal(Model):
    """An address that wants no letters, where no account speaks for it."""

    __tablename__ = "notice_refusal"

    address: Mapped[str] = mapped_column(Key(320), primary_key=True, comment="lower case, without what follows the plus")
    refused_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    by: Mapped[str] = mapped_column("refused_by", Key(100), comment="an admin, or link: they themselves")


class NoticeDomain(Model):
    """What holds for the recipients of a domain, and who watches over all of it."""

    __tablename__ = "notice_domain"

    domain: Mapped[str] = mapped_column(Key(255), primary_key=True, comment="lower case")
    times: Mapped[str] = mapped_column(Key(100), default="", comment="as services/notice_times reads it; empty: as the role says")
    everybody: Mapped[bool] = mapped_column(Boolean, default=False, comment="addresses without an account are told, too")
    language: Mapped[str] = mapped_column(Key(10), default="", comment="for who chose none; empty: the site's")
    watchers: Mapped[str] = mapped_column(LongText, default="", comment="addresses, one to a line")
    watch_times: Mapped[str] = mapped_column(Key(100), default="", comment="empty: daily at 07:00")


class NoticeText(Model):
    """A letter's words as an admin wants them, in one language."""

    __tablename__ = "notice_text"

    kind: Mapped[str] = mapped_column(Key(10), primary_key=True)
    language: Mapped[str] = mapped_column(Key(10), primary_key=True)
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(LongText)
    html: Mapped[str] = mapped_column(LongText)
    changed_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    changed_by: Mapped[str] = mapped_column(Key(100))


class NoticeChoice(Model):
    """When an account wants its letters."""

    __tablename__ = "notice_choice"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    times: Mapped[str] = mapped_column(Key(100), comment="as services/notice_times reads it")
    by: Mapped[str] = mapped_column("chosen_by", Key(100), comment="themselves, an admin, or link: their unsubscribing")
    chosen_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
