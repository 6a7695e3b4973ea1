"""A node: a server whose Rspamd reports to us, and whose Mailkeep keeps the raw mails it took."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, LongText, Model


class Node(Model):
    __tablename__ = "node"

    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="1 to 255, part of every mail id")
    name: Mapped[str] = mapped_column(Key(64), unique=True)
    user: Mapped[str] = mapped_column("auth_user", Key(255), comment="Basic auth user of its Rspamd; empty: it may not post")
    password_hash: Mapped[str] = mapped_column(String(255))
    allow: Mapped[str] = mapped_column(LongText, comment="addresses and networks it may post from, separated by blanks")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    controller_url: Mapped[str] = mapped_column(Key(255), default="", comment="of its Rspamd; empty: none is known")
    controller_password: Mapped[str] = mapped_column(String(1000), default="", comment="sealed, or empty")
    scan_url: Mapped[str] = mapped_column(Key(255), default="", comment="of a worker that scans, where no controller is known")
    created_at: Mapped[datetime] = mapped_column(DateTime)
