"""Who is logged in: one row for each browser, kept under the hash of what its cookie holds."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Digest, IpAddress, LongText, Model


class LoginSession(Model):
    __tablename__ = "login_session"
    __table_args__ = (Index("ix_login_session_user_id", "user_id"), Index("ix_login_session_seen_at", "seen_at"))

    digest: Mapped[str] = mapped_column(Digest(32), primary_key=True, comment="SHA-256 of the cookie: the table logs nobody in")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    data: Mapped[str] = mapped_column(LongText, comment="JSON object")
    created_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    seen_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC; to the minute")
    ip: Mapped[str | None] = mapped_column(IpAddress, comment="at the login")
    agent: Mapped[str] = mapped_column(String(255), comment="User-Agent at the login")
