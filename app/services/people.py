"""Accounts: made, changed, switched off and deleted; their further addresses and domains."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from werkzeug.security import check_password_hash

from app.actor import Actor, command_line
from app.clock import utcnow
from app.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.extensions import db
from app.models import Verb
from app.models.people import AddressSource, RoleRow, User, UserAddress, UserDomain
from app.queries.people import Reach
from app.queries.visibility import is_admin
from app.roles import Role
from app.services.audit import record

_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_USERNAME = re.compile(r"[^\s\"'<>,;:/\\\x00-\x1f]{1,64}")
MOST_ADDRESSES = 1000
SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 500


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


@dataclass(frozen=True, slots=True)
class Person:
    """An account as somebody typed it."""

    username: str
    first_name: str
    last_name: str
    email: str
    roles: tuple[str, ...]
    domains: tuple[str, ...] = ()
    active: bool = True


def make_person(reach: Reach, typed: Person, password: str, *, actor: Actor) -> User:
    _within(reach, typed)
    check_password(password)
    name = read_username(typed.username)
    user = add_user(name, password, typed.email, typed.roles, first_name=typed.first_name, last_name=typed.last_name, actor=actor)
    if typed.domains:
        set_domains(user, typed.domains, actor=actor)
    return user


def change_person(reach: Reach, user: User, typed: Person, *, actor: Actor) -> None:
    """All or nothing; the user name stays."""
    _within(reach, typed)
    email = read_address(typed.email)
    if db.session.scalar(select(User.id).where(func.lower(User.email) == email, User.id != user.id)):
        raise Conflict(_("There is an account with the address %(address)s already.", address=email))
    rows = roles_named(typed.roles)
    if not typed.active or Role.ADMIN not in typed.roles:
        keep_an_admin(user)
    domains = {read_domain(domain) for domain in typed.domains}
    before = _state(user)
    user.first_name, user.last_name, user.email = typed.first_name or user.username, typed.last_name or "-", email
    user.roles, user.active = rows, typed.active
    if reach.everybody and (there := put_domains(user, domains)) != domains:
        before["domains"] = sorted(there)
    after = _state(user) | ({"domains": sorted(domains)} if "domains" in before else {})
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        before, after = ({name: values[name] for name in changed} for values in (before, after))
        record(actor, Verb.ACCOUNT_CHANGED, "account", user.username, before=before, after=after)
    db.session.commit()


def _state(user: User) -> dict[str, Any]:
    names = {"first_name": user.first_name, "last_name": user.last_name}
    return names | {"email": user.email, "roles": _names(user.roles), "active": bool(user.active)}


def _within(reach: Reach, typed: Person) -> None:
    """Nobody gives more than he has, nor reaches beyond his domains."""
    if not reach.holds(read_address(typed.email)) or not set(typed.roles) <= set(reach.roles) or (typed.domains and not reach.everybody):
        raise NotAllowed(_("That is beyond the domains and roles that are yours to give."))
    if not typed.roles:
        raise BadRequest(_("An account without a role may not open anything; choose one."))


def set_password(user: User, password: str, *, actor: Actor) -> None:
    check_password(password)
    current_app.extensions["appbuilder"].sm.reset_password(user.id, password, actor)


def change_own_password(user: User, old: str, new: str, *, actor: Actor) -> None:
    if not user.password:
        raise NotAllowed(_("Your password is not kept here; change it where your account comes from."))
    if not check_password_hash(user.password, old):
        raise BadRequest(_("That is not your present password."))
    set_password(user, new, actor=actor)


def change_own_name(user: User, first_name: str, last_name: str, *, actor: Actor) -> None:
    before = _state(user)
    user.first_name, user.last_name = first_name.strip()[:64] or user.username, last_name.strip()[:64] or "-"
    record(actor, Verb.ACCOUNT_CHANGED, "account", user.username, before=before, after=_state(user))
    db.session.commit()


def check_password(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD or len(set(password)) < 5:
        raise BadRequest(_("A password has at least %(count)s characters, and not the same few again and again.", count=SHORTEST_PASSWORD))
    if len(password) > _LONGEST_PASSWORD:
        raise BadRequest(_("That password is too long."))


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


def add_address(reach: Reach, user: User, text: str, source: AddressSource = AddressSource.ADMIN, *, actor: Actor) -> UserAddress:
    address = read_address(text)
    if not reach.holds(address):
        raise NotAllowed(_("That is beyond the domains and roles that are yours to give."))
    if db.session.scalar(select(UserAddress.id).where(UserAddress.user_id == user.id, UserAddress.address == address)):
        raise Conflict(_("%(name)s has this address already.", name=user.username))
    if (db.session.scalar(select(func.count()).where(UserAddress.user_id == user.id)) or 0) >= MOST_ADDRESSES:
        raise Conflict(_("An account has at most %(count)s addresses.", count=MOST_ADDRESSES))
    row = UserAddress(user_id=user.id, address=address, source=source, created_at=_now())
    db.session.add(row)
    record(actor, Verb.ADDRESS_ADDED, "account", user.username, after={"address": address, "source": source.value})
    db.session.commit()
    return row


def remove_address(reach: Reach, user: User, text: str, *, actor: Actor) -> None:
    address = text.strip().lower()
    if not reach.holds(address):
        raise NotAllowed(_("That is beyond the domains and roles that are yours to give."))
    found = db.session.execute(delete(UserAddress).where(UserAddress.user_id == user.id, UserAddress.address == address))
    if not found.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise NotFound(_("%(name)s has no such address.", name=user.username))
    record(actor, Verb.ADDRESS_REMOVED, "account", user.username, before={"address": address})
    db.session.commit()


def set_domains(user: User, domains: Iterable[str], *, actor: Actor) -> None:
    wanted = {read_domain(domain) for domain in domains}
    there = put_domains(user, wanted)
    record(actor, Verb.DOMAINS_SET, "account", user.username, before={"domains": sorted(there)}, after={"domains": sorted(wanted)})
    db.session.commit()


def put_domains(user: User, wanted: set[str]) -> set[str]:
    """What there was before."""
    there = set(db.session.scalars(select(UserDomain.domain).where(UserDomain.user_id == user.id)))
    db.session.execute(delete(UserDomain).where(UserDomain.user_id == user.id, UserDomain.domain.not_in(wanted)))
    db.session.add_all(UserDomain(user_id=user.id, domain=domain, created_at=_now()) for domain in sorted(wanted - there))
    return there


def read_username(text: str) -> str:
    if not _USERNAME.fullmatch(text.strip()) or not text.strip().isprintable():
        raise BadRequest(_("A user name has 1 to 64 characters, without blanks and quotes."))
    return text.strip()


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
