"""What Mailkeep does by itself: when each job is due, who has it just now, and how its runs went."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, LongText, Model

JOB_WORDS = 500


class JobState(Model):
    """Whoever runs it holds it for a while and renews that; each holder has a higher token than all before."""

    __tablename__ = "job_state"

    name: Mapped[str] = mapped_column(Key(100), primary_key=True, comment="a job, or job@node for those of each node")
    schedule: Mapped[str] = mapped_column(Key(100), default="", comment="as an admin wants it; empty: as the job comes")
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    due_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC; the due time that the next run is for")
    not_before: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; after a failure it waits so long")
    """Without one, too, where the run said that it rests."""
    asked_by: Mapped[str] = mapped_column(Key(100), default="", comment="who wants it run now; empty: nobody")
    holder: Mapped[str] = mapped_column(Key(100), default="", comment="node and process")
    token: Mapped[int] = mapped_column(BigInteger, default=0, comment="grows with each run")
    leased_until: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; empty: nobody runs it")
    done: Mapped[int] = mapped_column(Integer, default=0, comment="of `total`, of the run under way")
    total: Mapped[int] = mapped_column(Integer, default=0)
    last_began: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    last_ended: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    last_ok: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    last_words: Mapped[str] = mapped_column(String(JOB_WORDS), default="", comment="what the last run did")
    last_error: Mapped[str] = mapped_column(String(JOB_WORDS), default="", comment="why the last run failed; empty: it did not")
    failures: Mapped[int] = mapped_column(Integer, default=0, comment="in a row")
    told: Mapped[bool] = mapped_column(Boolean, default=False, comment="the admins know that it fails")

    @property
    def job(self) -> str:
        return self.name.partition("@")[0]

    @property
    def node(self) -> str:
        return self.name.partition("@")[2]


class JobRun(Model):
    __tablename__ = "job_run"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Key(100))
    token: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(Key(100))
    asked_by: Mapped[str] = mapped_column(Key(100), comment="empty: its time had come")
    dry: Mapped[bool] = mapped_column(Boolean)
    due_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; which due time it was for, if for one")
    began_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    ok: Mapped[bool] = mapped_column(Boolean, default=False)
    words: Mapped[str] = mapped_column(String(JOB_WORDS), default="", comment="what it did, or why it failed")
    log: Mapped[str] = mapped_column(LongText, default="")

    __table_args__ = (
        UniqueConstraint("name", "token", name="ux_job_run_token"),
        Index("ix_job_run_name", "name", "id"),
    )
