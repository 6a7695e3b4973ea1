"""A scanned mail: the narrow row that lists and filters need, its details, and its recipients."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import Boolean, Double, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.ids import id_time
from app.models.base import BigId, Digest, IpAddress, Key, LongText, Model


@unique
class Direction(StrEnum):
    IN = "in"
    OUT = "out"


@unique
class Listing(StrEnum):
    """Whether a symbol of an allow or deny map was hit; a deny outweighs an allow."""

    NONE = ""
    ALLOW = "allow"
    DENY = "deny"


@unique
class CopyState(StrEnum):
    """The raw copy of a mail."""

    NONE = "none"  # the policy did not ask for one, or Rspamd sent none
    STORED = "stored"
    DELETED = "deleted"
    LOST = "lost"  # should be there and is not


@unique
class ReleaseState(StrEnum):
    NONE = "none"
    RELEASING = "releasing"  # claimed; after a crash: unknown, look before retrying
    RELEASED = "released"
    FAILED = "failed"


@unique
class NoticeState(StrEnum):
    """Whether the recipients are told of it by letter."""

    NONE = "none"  # it is nothing to be told of
    DUE = "due"  # nobody has looked yet who is to be told
    WAITING = "waiting"  # for the time of somebody's letter
    SENT = "sent"  # to one of them at least
    SKIPPED = "skipped"  # none of them is to be told, or all had gone before it was


class Mail(Model):
    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False, comment="see app/ids.py: holds the time")
    identity: Mapped[str] = mapped_column(Digest(16), comment="hash of node, queue id, digest and time window: the same post twice")
    node: Mapped[str] = mapped_column(Key(64), comment="the node whose Rspamd scanned it")
    queue_id: Mapped[str] = mapped_column(Key(128))
    message_id: Mapped[str] = mapped_column(Key(255), comment="without angle brackets")
    action: Mapped[str] = mapped_column(Key(32))
    score: Mapped[float] = mapped_column(Double)
    direction: Mapped[str] = mapped_column(Key(3), comment="out when the sender was authenticated")
    user: Mapped[str] = mapped_column("auth_user", Key(255), comment="who was authenticated, or empty")
    ip: Mapped[str | None] = mapped_column(IpAddress)
    mail_from: Mapped[str] = mapped_column(Key(320), comment="envelope sender, lower case; empty for bounces")
    mail_from_domain: Mapped[str] = mapped_column(Key(255))
    mime_from: Mapped[str] = mapped_column(Key(320), comment="address in the From header, lower case")
    mime_from_domain: Mapped[str] = mapped_column(Key(255))
    subject: Mapped[str] = mapped_column(String(512), comment="decoded")
    first_rcpt: Mapped[str] = mapped_column(Key(320), comment="copy of the first recipient, so that lists need no join")
    rcpt_count: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer, comment="bytes of the message")
    has_virus: Mapped[bool] = mapped_column(Boolean, default=False)
    has_risk: Mapped[bool] = mapped_column(Boolean, default=False, comment="an attachment that Rspamd's symbols call dangerous")
    listed: Mapped[str] = mapped_column(Key(5), default=Listing.NONE, comment="hit an allow or deny list of ours")
    copy_state: Mapped[str] = mapped_column(Key(10), default=CopyState.NONE)
    copy_digest: Mapped[str | None] = mapped_column(Digest(32), comment="SHA-256 of the raw mail, also when none was kept")
    copy_node: Mapped[str | None] = mapped_column(Key(64), comment="the node whose store holds the copy")
    notice_state: Mapped[str] = mapped_column(Key(10), default=NoticeState.NONE)
    release_state: Mapped[str] = mapped_column(Key(10), default=ReleaseState.NONE)

    detail: Mapped["MailDetail"] = relationship(
        primaryjoin="Mail.id == foreign(MailDetail.mail_id)", uselist=False, viewonly=True, lazy="select"
    )
    recipients: Mapped[list["MailRecipient"]] = relationship(
        primaryjoin="Mail.id == foreign(MailRecipient.mail_id)",
        order_by="MailRecipient.position",
        viewonly=True,
        lazy="select",
    )

    # Each ends in id: InnoDB adds the primary key by itself, PostgreSQL does not, and pages go by id.
    __table_args__ = (
        Index("ux_mail_identity", "identity", unique=True),
        Index("ix_mail_mail_from", "mail_from", "id"),
        Index("ix_mail_mail_from_domain", "mail_from_domain", "id"),
        Index("ix_mail_mime_from", "mime_from", "id"),
        Index("ix_mail_mime_from_domain", "mime_from_domain", "id"),
        Index("ix_mail_ip", "ip", "id"),
        Index("ix_mail_queue_id", "queue_id", "id"),
        Index("ix_mail_message_id", "message_id", "id"),
        Index("ix_mail_action", "action", "id"),
        Index("ix_mail_copy_digest", "copy_digest"),
        Index("ix_mail_subject", "subject", "id"),
        Index("ix_mail_auth_user", "auth_user", "id"),
        Index("ix_mail_score", "score", "id"),
        # Few values, but new rows only ever come at the end of each: cheap to keep, and the quarantine is read by them.
        Index("ix_mail_copy_state", "copy_state", "id"),
        Index("ix_mail_has_virus", "has_virus", "id"),
        Index("ix_mail_release_state", "release_state", "id"),
        # Where the database can, only of those that somebody has still to look at.
        Index(
            "ix_mail_notice_state",
            "notice_state",
            "id",
            postgresql_where=text("notice_state = 'due'"),
            sqlite_where=text("notice_state = 'due'"),
        ),
    )

    @property
    def received_at(self) -> datetime:
        return id_time(self.id)

    @property
    def is_stored(self) -> bool:
        return self.copy_state == CopyState.STORED


class MailDetail(Model):
    """What only the page of one mail shows. Wide, so in a table of its own."""

    __tablename__ = "mail_detail"

    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    header_from: Mapped[str] = mapped_column(LongText, comment="decoded, with display names")
    header_to: Mapped[str] = mapped_column(LongText)
    header_date: Mapped[str] = mapped_column(String(255), comment="as the message says")
    headers: Mapped[str] = mapped_column(LongText, comment="the header block; undecodable bytes as U+FFFD")
    symbols: Mapped[str] = mapped_column(LongText, comment="JSON list of {name, score, weight, group, groups, options}")
    fuzzy: Mapped[str] = mapped_column(LongText, comment="JSON list of hashes")
    virus: Mapped[str] = mapped_column(String(255), comment="name of the virus, or empty")
    extra: Mapped[str] = mapped_column(LongText, comment="JSON object: what else the report held")
    scan_ms: Mapped[float | None] = mapped_column(Double)
    rspamd_host: Mapped[str] = mapped_column(String(255))
    copy_bytes: Mapped[int | None] = mapped_column(Integer, comment="size of the copy as stored, compressed")


class MailRecipient(Model):
    """The access path for people: one row per mail and address."""

    __tablename__ = "mail_recipient"

    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    address: Mapped[str] = mapped_column(Key(320), comment="lower case")
    domain: Mapped[str] = mapped_column(Key(255))
    given: Mapped[str | None] = mapped_column(Key(320), comment="as the MTA gave it, where that differs")
    base: Mapped[str | None] = mapped_column(Key(320), comment="without what follows the plus, where there is one")
    personal: Mapped[str | None] = mapped_column(Key(5), comment="allow or deny: what a personal list says for this one; none: nothing")

    __table_args__ = (
        Index("ix_mail_recipient_address", "address", "mail_id"),
        Index("ix_mail_recipient_domain", "domain", "mail_id"),
        # Most have none, and nothings stand in the order of ids: new rows only ever come at their end.
        Index("ix_mail_recipient_base", "base", "mail_id"),
        # The same; where the database can, only of those that have one.
        Index(
            "ix_mail_recipient_personal",
            "personal",
            "mail_id",
            postgresql_where=text("personal IS NOT NULL"),
            sqlite_where=text("personal IS NOT NULL"),
        ),
    )
