"""What somebody shows beside the password: a device that makes codes, and codes on paper for the day it is lost."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Digest, Key, Model
from app.models.people import User


class SecondFactor(Model):
    """There is a row once a code of the device has been seen, not before."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(Key(200), comment="encrypted under SECRET_KEY: the table alone makes no codes")
    last_step: Mapped[int] = mapped_column(BigInteger, comment="of the last code taken: none counts twice, nor an older one")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, comment="codes typed since the last right one")
    tried_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    confirmed_at: Mapped[datetime] = mapped_column(comment="UTC")

    def __repr__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(Model):
    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "digest", name="ux_recovery_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(Digest(32), comment="keyed: without SECRET_KEY no guess can be tried on it")
    used_at: Mapped[datetime | None] = mapped_column(comment="UTC")

    def __repr__(self) -> str:
        return f"recovery code of {self.user_id}"


# Read with the account: each request asks for it.
User.second_factor = relationship(SecondFactor, uselist=False, lazy="joined", viewonly=True)
