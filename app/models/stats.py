"""What came in which hour and on which day, summed up; and how far that has been counted."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import BigInteger, DateTime, Double, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, Model


@unique
class Counted(StrEnum):
    """What a sum is of."""

    ALL = "all"  # every mail once
    TO = "to"  # a domain of recipients: a mail to two of them counts in both
    FROM = "from"  # the domain of the envelope's sender
    VIRUS = "virus"  # by its name


class _Count:
    """The columns of both."""

    kind: Mapped[str] = mapped_column(Key(5), primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="since 1970, UTC; of a day: its first")
    name: Mapped[str] = mapped_column(Key(255), primary_key=True, comment="a domain, or a virus; empty: none, or not told apart")
    node: Mapped[str] = mapped_column(Key(64), primary_key=True)
    action: Mapped[str] = mapped_column(Key(32), primary_key=True)
    direction: Mapped[str] = mapped_column(Key(3), primary_key=True)
    mails: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    stored: Mapped[int] = mapped_column(Integer, comment="of which a copy was kept")
    viruses: Mapped[int] = mapped_column(Integer)
    scanned: Mapped[int] = mapped_column(Integer, comment="of so many it was looked how long Rspamd took")
    scan_ms: Mapped[float] = mapped_column(Double, comment="of all of these")


class HourlyCount(_Count, Model):
    __tablename__ = "hourly_count"
    __table_args__ = (Index("ix_hourly_count_name", "kind", "name", "hour"),)


class DailyCount(_Count, Model):
    """Sums of the hours of one day of UTC, so that a year is read from few rows."""

    __tablename__ = "daily_count"
    __table_args__ = (Index("ix_daily_count_name", "kind", "name", "hour"),)


class CountState(Model):
    """One row. All hours are those of mail ids."""

    __tablename__ = "count_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    marked_before: Mapped[int] = mapped_column(Integer, comment="who brings in a mail of an earlier hour marks it as late")
    marked_since: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    closed_before: Mapped[int] = mapped_column(Integer, comment="earlier hours are counted once; what comes late is added")
    counted_from: Mapped[int] = mapped_column(Integer, comment="earlier hours have not had their turn yet; 0: all have")
    counted_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")


class LateMail(Model):
    """A mail that came when its hour was counted already, or about to be: written with it, gone when it is counted."""

    __tablename__ = "late_mail"

    mail_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
