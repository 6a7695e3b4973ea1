"""How far retention has come, so that no run walks again past what the one before has kept."""

from datetime import datetime

from sqlalchemy import DateTime, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Digest, Key, Model

GATE = "gate"
"""Of the one row that is no mark: whoever deletes mails, and whoever holds or lets go of some, counts it on."""


class RetentionMark(Model):
    """One for copies and one for mails, for each number of days that a rule names."""

    __tablename__ = "retention_mark"

    extent: Mapped[str] = mapped_column(Key(4), primary_key=True)
    days: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    upto: Mapped[int] = mapped_column(BigId, comment="a mail id: older ones have had their turn")
    rules: Mapped[str] = mapped_column(Digest(16), comment="hash of the rules it was set by: others begin anew")
    began_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC: when it last began with the oldest mail")
