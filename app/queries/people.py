"""Accounts, as far as somebody may look after them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import selectinload

from app.errors import NotAllowed, NotFound
from app.extensions import db
from app.models.people import Group, RoleRow, User, UserAddress, UserDomain, UserWay
from app.queries.matching import contains, in_domains
from app.queries.scope import Scope
from app.queries.visibility import addresses_of, domains_of, is_admin_here, roles_here
from app.roles import Role


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose accounts somebody looks after: everybody's, or those of recipients in some domains."""

    everybody: bool = False
    domains: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """Of addresses in these domains."""
        return Scope(domains=self.domains, everything=self.everybody)

    def must_hold(self, address: str) -> None:
        if not self.everybody and address.rpartition("@")[2] not in self.domains:
            raise _beyond()

    def must_hold_all_of(self, user: User) -> None:
        """Who sets somebody's password, or where their links go, can log in as them: then all that they see has to be theirs to see."""
        for address in () if self.everybody else addresses_of(user):
            self.must_hold(address)

    def must_give_password(self, user: User) -> None:
        """Who comes in by a directory or a provider gets a password of ours from an admin only: it would outlive their entry there."""
        self.must_hold_all_of(user)
        if not self.everybody and not user.password:
            raise _beyond()

    def must_give(self, roles: Iterable[str], domains: Iterable[str]) -> None:
        """Nobody gives more than he has."""
        if not self.everybody and (set(roles) - {Role.RECIPIENT} or any(domains)):
            raise _beyond()


def _beyond() -> NotAllowed:
    return NotAllowed(_("That is beyond the domains and roles that are yours to give."))


@dataclass(frozen=True, slots=True)
class People:
    rows: Sequence[User]
    more: str | None
    """`after` of the next page."""


def reach_of(user: Any) -> Reach:
    if is_admin_here(user):
        return Reach(everybody=True)
    return Reach(domains=domains_of(user)) if Role.DOMAIN_ADMIN in roles_here(user) else Reach()


def roles_to_give(reach: Reach) -> list[str]:
    """Mailkeep's own in their order, then the site's."""
    if not reach.everybody:
        return [Role.RECIPIENT]
    ours = [role.value for role in Role if role is not Role.PUBLIC]
    return ours + list(db.session.scalars(select(RoleRow.name).where(RoleRow.name.not_in(list(Role))).order_by(RoleRow.name)))


def is_there_an_admin(but: User | None = None) -> bool:
    """One that may log in."""
    role = RoleRow.name == Role.ADMIN
    query = select(User.id).where(User.active.is_(True), or_(User.roles.any(role), User.groups.any(Group.roles.any(role))))
    return db.session.scalar((query if but is None else query.where(User.id != but.id)).limit(1)) is not None


def admins() -> Sequence[User]:
    """All that may log in and can be written to."""
    role = RoleRow.name == Role.ADMIN
    can = (User.active.is_(True), User.email.contains("@"), or_(User.roles.any(role), User.groups.any(Group.roles.any(role))))
    return db.session.scalars(select(User).where(*can).order_by(User.id)).all()


def _reached(reach: Reach) -> ColumnElement[bool]:
    """Of a domain admin: whose address is in one of the domains, and who is nothing but a recipient."""
    if reach.everybody:
        return true()
    if not reach.domains:
        return false()
    inside = in_domains(func.lower(User.email), reach.domains)
    return and_(inside, ~User.roles.any(RoleRow.name != Role.RECIPIENT), ~User.groups.any())


def find_people(reach: Reach, text: str = "", after: str = "", size: int = 50) -> People:
    """By user name; `text` in the name, the user name, or one of the addresses."""
    query = select(User).where(_reached(reach)).options(selectinload(User.roles)).order_by(func.lower(User.username)).limit(size + 1)
    if text:
        low = text.lower()
        further = exists().where(UserAddress.user_id == User.id, contains(UserAddress.address, low))
        named = (contains(func.lower(column), low) for column in (User.username, User.email, User.first_name, User.last_name))
        query = query.where(or_(further, *named))
    if after:
        query = query.where(func.lower(User.username) > after.lower())
    rows = db.session.scalars(query).all()
    return People(rows[:size], rows[size - 1].username if len(rows) > size else None)


def person_of(reach: Reach, user_id: int) -> User:
    """NotFound for whom there is not, and for whom it is not theirs to look after: the two look alike."""
    found = db.session.scalar(select(User).where(User.id == user_id, _reached(reach)))
    if found is None:
        raise NotFound(_("There is no such account."))
    return found


def account_called(text: str) -> User | None:
    """By its user name, or else by its own address: that is where its mails go."""
    rows = db.session.scalars(select(User).where(or_(func.lower(User.username) == text.lower(), func.lower(User.email) == text.lower())))
    return min(rows, key=lambda user: user.username.lower() != text.lower(), default=None)


def addresses_by_user(users: Sequence[User]) -> dict[int, list[UserAddress]]:
    found: dict[int, list[UserAddress]] = {user.id: [] for user in users}
    for row in db.session.scalars(select(UserAddress).where(UserAddress.user_id.in_(found)).order_by(UserAddress.address)):
        found[row.user_id].append(row)
    return found


def domains_by_user(users: Sequence[User]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {user.id: [] for user in users}
    for row in db.session.scalars(select(UserDomain).where(UserDomain.user_id.in_(found)).order_by(UserDomain.domain)):
        found[row.user_id].append(row.domain)
    return found


def ways_by_user(users: Sequence[User]) -> dict[int, list[str]]:
    """By what they come in: a password of ours first, then the others by their names."""
    found: dict[int, list[str]] = {user.id: ["password"] if user.password else [] for user in users}
    for row in db.session.scalars(select(UserWay).where(UserWay.user_id.in_(found)).order_by(UserWay.way)):
        found[row.user_id].append(row.way)
    return found
