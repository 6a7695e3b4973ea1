"""People: FAB's tables of accounts and roles, and what is ours of an account: further addresses, and domains it looks after."""

from datetime import datetime
from enum import StrEnum, unique

from flask_appbuilder.security.sqla.models import Group, Permission, PermissionView, User, ViewMenu, assoc_permissionview_role
from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Key, Model

GrantLink = assoc_permissionview_role
__all__ = [
    "AddressSource",
    "GrantLink",
    "Group",
    "Permission",
    "PermissionView",
    "RoleRow",
    "User",
    "UserAddress",
    "UserDomain",
    "UserSetting",
    "UserWay",
    "ViewMenu",
]


@unique
class AddressSource(StrEnum):
    """Who says that an address is somebody's. What a directory says is refreshed at each login."""

    ADMIN = "admin"
    LDAP = "ldap"
    OIDC = "oidc"


class UserAddress(Model):
    """A further address of an account, beside its own."""

    __tablename__ = "user_address"
    __table_args__ = (UniqueConstraint("user_id", "address", name="ux_user_address"), Index("ix_user_address_address", "address"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(Key(320), comment="lower case")
    source: Mapped[str] = mapped_column(Key(10), default=AddressSource.ADMIN)
    created_at: Mapped[datetime] = mapped_column(comment="UTC")

    user: Mapped[User] = relationship(User)

    def __repr__(self) -> str:
        return self.address


class UserDomain(Model):
    """A domain whose mail an account with the role Domain admin looks after."""

    __tablename__ = "user_domain"
    __table_args__ = (UniqueConstraint("user_id", "domain", name="ux_user_domain"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(Key(255), comment="lower case")
    created_at: Mapped[datetime] = mapped_column(comment="UTC")

    user: Mapped[User] = relationship(User)

    def __repr__(self) -> str:
        return self.domain


class UserSetting(Model):
    """What somebody chose for themselves, and what their account still owes; without a row all is as the browser says."""

    __tablename__ = "user_setting"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(Key(10), default="", comment="empty: the browser's")
    zone: Mapped[str] = mapped_column(Key(64), default="", comment="empty: the browser's")
    theme: Mapped[str] = mapped_column(Key(10), default="", comment="light, dark; empty: the browser's")
    owes_password: Mapped[bool] = mapped_column(default=False, comment="chooses a new password before anything else")

    user: Mapped[User] = relationship(User)

    def __repr__(self) -> str:
        return f"settings of {self.user_id}"


# Read with the account: each request asks for it.
User.setting = relationship(UserSetting, uselist=False, lazy="joined", viewonly=True)


class UserWay(Model):
    """How somebody comes in other than by a password of ours; `subject` is what that way knows the person by: a DN, a header's name."""

    __tablename__ = "user_way"
    __table_args__ = (UniqueConstraint("way", "subject", name="ux_user_way"), Index("ix_user_way_user", "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(Key(40))
    subject: Mapped[str] = mapped_column(Key(512))
    created_at: Mapped[datetime] = mapped_column(comment="UTC")

    user: Mapped[User] = relationship(User)

    def __repr__(self) -> str:
        return self.way
