"""A node: a server whose Rspamd reports to us, and whose Mailkeep keeps the raw mails it took."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, SmallInteger, String
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

    # How the other nodes reach its Mailkeep, and from where it may reach theirs.
    api_url: Mapped[str] = mapped_column(String(300), default="", server_default="", comment="empty: the others cannot ask it")
    api_ca: Mapped[str | None] = mapped_column(LongText, comment="PEM, or a file that holds it; empty: the system's authorities")
    api_pin: Mapped[str] = mapped_column(String(64), default="", server_default="", comment="SHA-256 of its certificate or of its key")
    api_secret: Mapped[str] = mapped_column(String(300), default="", server_default="", comment="sealed; it signs what it asks of others")
    api_allow: Mapped[str | None] = mapped_column(LongText, comment="addresses and networks it may ask others from")
    api_user: Mapped[str] = mapped_column(Key(255), default="", server_default="", comment="Basic auth for programs; empty: none")
    api_password_hash: Mapped[str] = mapped_column(String(255), default="", server_default="")

    # What it says of itself, every half minute.
    version: Mapped[str] = mapped_column(String(40), default="", server_default="")
    seen_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC, by its own clock")
    disk_used: Mapped[int | None] = mapped_column(BigInteger, comment="bytes, where its copies are")
    disk_free: Mapped[int | None] = mapped_column(BigInteger)
    spool_files: Mapped[int | None] = mapped_column(Integer, comment="that wait for the database")
    spool_seconds: Mapped[int | None] = mapped_column(Integer, comment="age of the oldest of them")
    last_mail_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; of what its Rspamd has scanned")


class NodeNonce(Model):
    """A request between nodes that was taken: it is not taken a second time."""

    __tablename__ = "node_nonce"

    nonce: Mapped[str] = mapped_column(Key(32), primary_key=True)
    node: Mapped[str] = mapped_column(Key(64), comment="which took it, and forgets it by its own clock")
    expires_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
