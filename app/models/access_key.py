"""Keys of programs: what somebody lets a program do in their name, kept under the hash of the key."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import stored_now
from app.models.base import Digest, IpAddress, Key, Model
from app.models.people import User


class AccessKey(Model):
    """Not called ApiKey: FAB has a model of that name."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("digest", name="ux_api_key_digest"), Index("ix_api_key_user", "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100), comment="what it is for")
    digest: Mapped[str] = mapped_column(Digest(32), comment="SHA-256 of the key: the table lets nobody in")
    prefix: Mapped[str] = mapped_column(Key(16), comment="how the key begins, to tell it from others")
    role: Mapped[str] = mapped_column(Key(64), comment="name of the role it acts in, never beyond its owner's")
    made_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    expires_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; empty: never")
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC; to the minute")
    last_ip: Mapped[str | None] = mapped_column(IpAddress)

    user: Mapped[User] = relationship(User)

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= stored_now()

    def __repr__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
