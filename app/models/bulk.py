"""One act on many mails: what was asked for, how far it is, and what did not simply succeed."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import Boolean, DateTime, Index, Integer, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, LongText, Model

BULK_WORDS = 500


@unique
class RunState(StrEnum):
    WAITING = "waiting"  # nobody has begun
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"  # ended before its time; `words` say why


UNDER_WAY = (RunState.WAITING, RunState.RUNNING)


@unique
class ResultKind(StrEnum):
    DONE = "done"
    WAITING = "waiting"  # done as soon as it cannot be undone any more
    SKIPPED = "skipped"  # nothing was to be done, or not by who asked
    FAILED = "failed"
    UNDONE = "undone"


class BulkRun(Model):
    """Whoever works on it has claimed it for a while; when that has passed, somebody else goes on from `upto`."""

    __tablename__ = "bulk_run"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(Key(32), comment="of the page on which it was confirmed: twice is once")
    act: Mapped[str] = mapped_column(Key(20))
    options: Mapped[str] = mapped_column(LongText, comment="JSON list of names")
    ids: Mapped[str] = mapped_column(LongText, comment="JSON list of mail ids, the newest first; empty: all that the search finds")
    search: Mapped[str] = mapped_column(LongText, comment="JSON list of pairs")
    zone: Mapped[str] = mapped_column(Key(64), comment="in which the days of the search are meant")
    language: Mapped[str] = mapped_column(Key(10))
    user_id: Mapped[int] = mapped_column(Integer, comment="whose rights count")
    roles: Mapped[str] = mapped_column(LongText, comment="JSON list: it never may more than these")
    asked_by: Mapped[str] = mapped_column(Key(100))
    actor_id: Mapped[int | None] = mapped_column(Integer, comment="of who asked; another than user_id acts as that one")
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    ip: Mapped[str] = mapped_column(Key(45))
    state: Mapped[str] = mapped_column(Key(10), default=RunState.WAITING)
    words: Mapped[str] = mapped_column(String(BULK_WORDS), default="", comment="why it ended before its time")
    total: Mapped[int] = mapped_column(Integer, comment="as counted when it was confirmed")
    is_exact: Mapped[bool] = mapped_column(Boolean, comment="or at least so many")
    done: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    undone: Mapped[int] = mapped_column(Integer, default=0, comment="of those that were done")
    upto: Mapped[int] = mapped_column(BigId, comment="a mail id: this one and the newer ones have had their turn")
    claim: Mapped[str | None] = mapped_column(Key(32), comment="random, of who works on it")
    claimed_until: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, comment="claims since the last mail that had its turn")
    asked_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    started_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")

    __table_args__ = (
        UniqueConstraint("user_id", "token", name="ux_bulk_run_token"),
        Index("ix_bulk_run_due", "state", "claimed_until"),
        Index("ix_bulk_run_ended", "ended_at"),
    )

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def counted(self) -> int:
        return self.done + self.skipped + self.failed


class BulkResult(Model):
    """Of one mail: why nothing was done, or what can be undone still."""

    __tablename__ = "bulk_result"

    run_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Key(10))
    words: Mapped[str] = mapped_column(String(BULK_WORDS))
    undo: Mapped[str] = mapped_column(LongText, comment="JSON list: what the act needs to undo it")
    until: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC: so long it can be")

    __table_args__ = (Index("ix_bulk_result_kind", "run_id", "kind", "until"),)
