"""The audit trail: events that are only ever appended, each with the digest of the one before."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

from sqlalchemy import DateTime, Index, Integer, SmallInteger, event
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Digest, Key, LongText, Model

NOTHING_BEFORE = "0" * 64
# MariaDB keeps whole seconds where nobody asks for more.
_Moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


@unique
class Verb(StrEnum):
    LOGIN = "login"
    LOGIN_FAILED = "login.failed"
    LOGOUT = "logout"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_DELETED = "account.deleted"
    ROLES_SET = "account.roles"
    ACTIVE_SET = "account.active"
    PASSWORD_SET = "account.password"  # noqa: S105 - a word, no password
    PASSWORD_RESET_ASKED = "account.link"  # noqa: S105
    FACTOR_SET = "account.factor"
    FACTOR_REMOVED = "account.factor.removed"
    CODES_MADE = "account.codes"
    ADDRESS_ADDED = "account.address.added"
    ADDRESS_CHANGED = "account.address.changed"
    ADDRESS_REMOVED = "account.address.removed"
    DOMAINS_SET = "account.domains"
    API_KEY_MADE = "account.key"
    API_KEY_REVOKED = "account.key.revoked"
    ACTING_BEGUN = "account.acting.begun"
    ACTING_ENDED = "account.acting.ended"
    ROLE_ADDED = "role.added"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    GROUP_ADDED = "group.added"
    GROUP_CHANGED = "group.changed"
    GROUP_DELETED = "group.deleted"
    NODE_ADDED = "node.added"
    NODE_CHANGED = "node.changed"
    NODE_REMOVED = "node.removed"
    ALIAS_ADDED = "domain.alias.added"
    ALIAS_REMOVED = "domain.alias.removed"
    MAP_MADE = "map.made"
    MAP_CHANGED = "map.changed"
    MAP_DELETED = "map.deleted"
    MAP_ENTRIES = "map.entries"
    MAP_EXPORTED = "map.exported"
    SEARCH_SHARED = "search.shared"
    SEARCH_UNSHARED = "search.unshared"
    SEARCH_DELETED = "search.deleted"
    LOG_EXPORTED = "log.exported"
    AUDIT_EXPORTED = "audit.exported"
    REASON_GIVEN = "mail.reason"
    MAIL_OPENED = "mail.opened"
    MAIL_READ = "mail.read"
    MAIL_DOWNLOADED = "mail.downloaded"
    MAIL_RELEASED = "mail.released"
    RELEASE_WANTED = "mail.release.wanted"
    RELEASE_APPROVED = "mail.release.approved"
    RELEASE_DENIED = "mail.release.denied"
    MAIL_REPORTED = "mail.reported"
    REPORT_CLOSED = "mail.report.closed"
    LINK_USED = "mail.link"
    MAIL_FETCHED = "mail.fetched"
    MAIL_LEARNED = "mail.learned"
    MAIL_RESCANNED = "mail.rescanned"
    MAIL_DELETED = "mail.deleted"
    COPY_DELETED = "mail.copy.deleted"
    BULK_BEGUN = "bulk.begun"
    BULK_ENDED = "bulk.ended"
    HOLD_ADDED = "hold.added"
    HOLD_LIFTED = "hold.lifted"
    RETENTION_ENDED = "retention.ended"
    STORE_SWEPT = "store.swept"
    JOB_CHANGED = "job.changed"
    JOB_ASKED = "job.asked"
    NOTICES_CHOSEN = "account.notices"
    NOTICES_OF_DOMAIN = "domain.notices"
    NOTICES_REFUSED = "notice.refused"
    NOTICES_ACCEPTED = "notice.accepted"
    NOTICE_VOIDED = "notice.voided"
    NOTICE_AGAIN = "notice.again"
    NOTICE_WORDS = "notice.words"


KINDS = ("account", "role", "group", "node", "domain", "map", "search", "log", "audit", "mail", "bulk", "hold", "store", "job", "notice")
"""What may be a target."""


class AuditEvent(Model):
    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False, comment="from 1 on, without a gap")
    at: Mapped[datetime] = mapped_column(_Moment, comment="UTC")
    actor: Mapped[str] = mapped_column(Key(100), comment="empty: a visitor")
    user_id: Mapped[int | None] = mapped_column(Integer, comment="of the actor's account, which may be gone")
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    ip: Mapped[str] = mapped_column(Key(45))
    verb: Mapped[str] = mapped_column(Key(40))
    target_kind: Mapped[str] = mapped_column(Key(20))
    target_id: Mapped[str] = mapped_column(Key(64))
    reason: Mapped[str] = mapped_column(LongText)
    before: Mapped[str] = mapped_column(LongText, comment="JSON, or empty")
    after: Mapped[str] = mapped_column(LongText, comment="JSON, or empty")
    previous: Mapped[str] = mapped_column(Digest(32), comment="digest of the event before")
    digest: Mapped[str] = mapped_column(Digest(32), comment="SHA-256 of all the above")

    __table_args__ = (
        Index("ix_audit_event_at", "at"),
        Index("ix_audit_event_actor", "actor", "id"),
        Index("ix_audit_event_ip", "ip", "id"),
        Index("ix_audit_event_verb", "verb", "id"),
        Index("ix_audit_event_target", "target_kind", "target_id", "id"),
    )


class AuditHead(Model):
    """The end of the chain, in one row: whoever appends holds its lock."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="1")
    last_id: Mapped[int] = mapped_column(BigId)
    last_digest: Mapped[str] = mapped_column(Digest(32))


def digest_of(row: Any) -> str:
    """Of an event, or of a row with its columns."""
    moment = row.at.isoformat(timespec="microseconds")
    who = [row.actor, row.user_id, row.on_behalf_of, row.ip]
    what = [row.verb, row.target_kind, row.target_id, row.reason, row.before, row.after]
    return hashlib.sha256(json.dumps([row.id, moment, *who, *what, row.previous]).encode()).hexdigest()


def as_json(row: Any) -> str:
    """One line."""
    values = {column: getattr(row, column) for column in AuditEvent.__table__.columns.keys()}  # noqa: SIM118 - a collection of columns
    values["at"] = row.at.isoformat(timespec="microseconds") + "+00:00"
    values |= {name: json.loads(values[name]) if values[name] else None for name in ("before", "after")}
    return json.dumps(values, ensure_ascii=False)


@event.listens_for(AuditEvent, "before_update")
@event.listens_for(AuditEvent, "before_delete")
def _refuse(_mapper: Any, _connection: Any, target: AuditEvent) -> None:
    raise TypeError(f"event {target.id} of the audit trail stays as it is")
