"""Accounts: made, changed, switched off and deleted; their further addresses and domains."""

import re
from collections.abc import Iterable
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from app.actor import Actor, command_line
from app.clock import utcnow
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import db
from app.models import Verb
from app.models.people import AddressSource, RoleRow, User, UserAddress, UserDomain
from app.queries.visibility import is_admin
from app.roles import Role
from app.services.audit import record

_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
MOST_ADDRESSES = 1000


def ensure_admin(username: str, password: str, email: str) -> bool:
    """Makes the first admin; False where there is one already that can log in."""
    if active_admins():
        return False
    add_user(username, password, email, [Role.ADMIN], first_name="Mailkeep", last_name="Admin", actor=command_line())
    return True


def add_user(
    username: str, password: str, email: str, roles: Iterable[str], *, first_name: str = "", last_name: str = "", actor: Actor
) -> User:
    sm = current_app.extensions["appbuilder"].sm
    rows = roles_named(roles)
    if find_user(username) is not None:
        raise Conflict(_("There is an account %(name)s already.", name=username))
    if db.session.scalar(select(User.id).where(func.lower(User.email) == email.lower())):
        raise Conflict(_("There is an account with the address %(address)s already.", address=email))
    address = read_address(email)
    record(actor, Verb.ACCOUNT_ADDED, "account", username, after={"email": address, "roles": [row.name for row in rows]})
    user = sm.add_user(username, first_name or username, last_name or "-", address, rows, password)
    if not user:
        raise Conflict(_("The account %(name)s could not be made; see the log.", name=username))
    return user  # type: ignore[no-any-return]


def set_password(user: User, password: str, *, actor: Actor) -> None:
    current_app.extensions["appbuilder"].sm.reset_password(user.id, password, actor)


def set_roles(user: User, roles: Iterable[str], *, actor: Actor) -> None:
    rows = roles_named(roles)
    if not any(row.name == Role.ADMIN for row in rows):
        keep_an_admin(user)
    before, user.roles = _names(user.roles), rows
    record(actor, Verb.ROLES_SET, "account", user.username, before={"roles": before}, after={"roles": _names(rows)})
    db.session.commit()


def set_active(user: User, active: bool, *, actor: Actor) -> None:
    if not active:
        keep_an_admin(user)
    before, user.active = user.active, active
    record(actor, Verb.ACTIVE_SET, "account", user.username, before={"active": before}, after={"active": active})
    db.session.commit()


def delete_user(user: User, *, actor: Actor) -> None:
    keep_an_admin(user)
    before = {"email": user.email, "roles": _names(user.roles), "active": user.active}
    record(actor, Verb.ACCOUNT_DELETED, "account", user.username, before=before)
    db.session.delete(user)
    db.session.commit()


def keep_an_admin(user: User) -> None:
    """Conflict where nobody could administer any more without this account."""
    if user.is_active and is_admin(user) and [admin.id for admin in active_admins()] == [user.id]:
        raise Conflict(_("%(name)s is the last admin; make another one first.", name=user.username))


def active_admins() -> list[User]:
    return [
        user for user in db.session.scalars(select(User).where(User.active.is_(True))) if Role.ADMIN in {role.name for role in user.roles}
    ]


def find_user(username: str) -> User | None:
    return db.session.scalar(select(User).where(func.lower(User.username) == username.lower()))


def user_named(username: str) -> User:
    found = find_user(username)
    if found is None:
        raise NotFound(_("There is no account %(name)s.", name=username))
    return found


def roles_named(names: Iterable[str]) -> list[RoleRow]:
    names = list(dict.fromkeys(names))
    rows = {row.name: row for row in db.session.scalars(select(RoleRow).where(RoleRow.name.in_(names)))}
    for name in names:
        if name not in rows or name == Role.PUBLIC:
            raise BadRequest(_("There is no role %(name)s.", name=name))
    return [rows[name] for name in names]


# --- further addresses and domains -----------------------------------------------------------------------------------------


def add_address(user: User, text: str, source: AddressSource = AddressSource.ADMIN, *, actor: Actor) -> UserAddress:
    address = read_address(text)
    if db.session.scalar(select(UserAddress.id).where(UserAddress.user_id == user.id, UserAddress.address == address)):
        raise Conflict(_("%(name)s has this address already.", name=user.username))
    if (db.session.scalar(select(func.count()).where(UserAddress.user_id == user.id)) or 0) >= MOST_ADDRESSES:
        raise Conflict(_("An account has at most %(count)s addresses.", count=MOST_ADDRESSES))
    row = UserAddress(user_id=user.id, address=address, source=source, created_at=_now())
    db.session.add(row)
    record(actor, Verb.ADDRESS_ADDED, "account", user.username, after={"address": address, "source": source.value})
    db.session.commit()
    return row


def remove_address(user: User, text: str, *, actor: Actor) -> None:
    address = text.strip().lower()
    found = db.session.execute(delete(UserAddress).where(UserAddress.user_id == user.id, UserAddress.address == address))
    if not found.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise NotFound(_("%(name)s has no such address.", name=user.username))
    record(actor, Verb.ADDRESS_REMOVED, "account", user.username, before={"address": address})
    db.session.commit()


def set_domains(user: User, domains: Iterable[str], *, actor: Actor) -> None:
    wanted = {read_domain(domain) for domain in domains}
    there = set(db.session.scalars(select(UserDomain.domain).where(UserDomain.user_id == user.id)))
    db.session.execute(delete(UserDomain).where(UserDomain.user_id == user.id, UserDomain.domain.not_in(wanted)))
    db.session.add_all(UserDomain(user_id=user.id, domain=domain, created_at=_now()) for domain in sorted(wanted - there))
    record(actor, Verb.DOMAINS_SET, "account", user.username, before={"domains": sorted(there)}, after={"domains": sorted(wanted)})
    db.session.commit()


def read_address(text: str) -> str:
    address = text.strip().lower()
    if not _ADDRESS.fullmatch(address) or len(address) > 320 or not address.isprintable():
        raise BadRequest(_("“%(text)s” is no mail address.", text=text.strip()[:100]))
    return address


def read_domain(text: str) -> str:
    domain = text.strip().lstrip("@").rstrip(".").lower()
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain) or len(domain) > 255:
        raise BadRequest(_("“%(text)s” is no domain.", text=text.strip()[:100]))
    return domain


def _names(roles: Iterable[RoleRow]) -> list[str]:
    return sorted(role.name for role in roles)


def _now() -> datetime:
    return utcnow().replace(tzinfo=None)
