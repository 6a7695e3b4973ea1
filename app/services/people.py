"""Accounts: made, changed, switched off and deleted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app.actor import Actor, command_line
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import PanelSession, db
from app.models import BulkRun, MailRequest, Verb
from app.models.people import RoleRow, User
from app.queries.people import Reach, is_there_an_admin
from app.queries.visibility import is_admin
from app.roles import Role
from app.services.addresses import put_address, put_domains, read_address, read_domain
from app.services.audit import record
from app.services.passwords import check_password, hash_of, owe_password

State = dict[str, Any]
_NOBODY = 0
_USERNAME = re.compile(r"[^\s\"'<>,;:/\\\x00-\x1f]{1,64}")


def ensure_admin(username: str, password: str, email: str) -> bool:
    """Makes the first admin; False where there is one already that can log in."""
    if is_there_an_admin():
        return False
    add_user(username, password, email, [Role.ADMIN], first_name="Mailkeep", last_name="Admin", actor=command_line())
    return True


def add_user(
    username: str, password: str, email: str, roles: Iterable[str], *, first_name: str = "", last_name: str = "", actor: Actor
) -> User:
    with cast(PanelSession, db.session()).begin_writing():  # a command reads first, and on SQLite somebody else could write in between
        user = _added(username, password, email, roles, first_name, last_name, actor)
        db.session.commit()
    return user


def _added(username: str, password: str, email: str, roles: Iterable[str], first_name: str, last_name: str, actor: Actor) -> User:
    """In the transaction of whoever calls."""
    sm = current_app.extensions["appbuilder"].sm
    rows = roles_named(roles)
    if find_user(username) is not None:
        raise Conflict(_("There is an account %(name)s already.", name=username))
    address = read_address(email)
    for taken in (address, username):  # both are names to log in by, and to ask for a link
        if db.session.scalar(select(User.id).where(func.lower(User.email) == taken.lower())):
            raise Conflict(_("There is an account with the address %(address)s already.", address=taken))
    names = (username, first_name or username, last_name or "-")
    user = sm.add_user(*names, address, rows, hashed_password=hash_of(password), by=actor, commit=False)
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
    further: tuple[str, ...] = ()
    """Addresses that a new account has beside its own."""


def make_person(reach: Reach, typed: Person, password: str, *, must_change: bool = False, actor: Actor) -> User:
    """All or nothing."""
    _within(reach, typed)
    check_password(password)
    name, domains = read_username(typed.username), {read_domain(domain) for domain in typed.domains}
    user = _added(name, password, typed.email, typed.roles, typed.first_name, typed.last_name, actor)
    if must_change:
        owe_password(user, True)
    if domains:
        put_domains(user, domains)
        record(actor, Verb.DOMAINS_SET, "account", name, before={"domains": []}, after={"domains": sorted(domains)})
    for text in typed.further:
        put_address(reach, user, text, actor=actor)
    db.session.commit()
    return user


def change_person(reach: Reach, user: User, typed: Person, *, actor: Actor) -> None:
    """All or nothing; the user name stays."""
    _within(reach, typed)
    email = read_address(typed.email)
    if email != user.email:
        reach.must_hold_all_of(user)
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
    _record_change(user, before, after, actor)
    db.session.commit()


def change_own_name(user: User, first_name: str, last_name: str, *, actor: Actor) -> None:
    before = _state(user)
    user.first_name, user.last_name = first_name.strip()[:64] or user.username, last_name.strip()[:64] or "-"
    _record_change(user, before, _state(user), actor)
    db.session.commit()


def _record_change(user: User, before: State, after: State, actor: Actor) -> None:
    """Only what differs; nothing where nothing does."""
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        before, after = ({name: values[name] for name in changed} for values in (before, after))
        record(actor, Verb.ACCOUNT_CHANGED, "account", user.username, before=before, after=after)


def _state(user: User) -> State:
    names = {"first_name": user.first_name, "last_name": user.last_name}
    return names | {"email": user.email, "roles": _names(user.roles), "active": bool(user.active)}


def _within(reach: Reach, typed: Person) -> None:
    """Nobody gives more than he has, nor reaches beyond his domains."""
    reach.must_hold(read_address(typed.email))
    reach.must_give(typed.roles, typed.domains)
    if not typed.roles:
        raise BadRequest(_("An account without a role may not open anything; choose one."))


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
    for asked in (MailRequest, BulkRun):  # they stay, but not for the next account: SQLite may give it the same id
        db.session.execute(update(asked).where(asked.user_id == user.id).values(user_id=_NOBODY))
    db.session.delete(user)
    db.session.commit()


def keep_an_admin(user: User) -> None:
    """Conflict where nobody could administer any more without this account."""
    if user.is_active and is_admin(user) and not is_there_an_admin(but=user):
        raise Conflict(_("%(name)s is the last admin; make another one first.", name=user.username))


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


def read_username(text: str) -> str:
    if not _USERNAME.fullmatch(text.strip()) or not text.strip().isprintable():
        raise BadRequest(_("A user name has 1 to 64 characters, without blanks and quotes."))
    return text.strip()


def _names(roles: Iterable[RoleRow]) -> list[str]:
    return sorted(role.name for role in roles)
