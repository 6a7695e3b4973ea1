"""Accounts, many at once, as far as letters need them: whose an address is, and what they chose."""

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from flask_appbuilder.security.sqla.models import assoc_group_role, assoc_user_group, assoc_user_role
from sqlalchemy import Engine, func, select, union_all

from app.clock import monotonic
from app.extensions import db
from app.models import NoticeChoice, UserAddress, UserSetting
from app.models.people import RoleRow, User

_AT_ONCE = 400
"""So many values in one question: MariaDB would take a longer list for a table of its own."""
_FRESH_SECONDS = 5.0


def pieces(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Each value once, in an order that is the same each time."""
    every = iter(sorted(set(values)))
    while piece := list(itertools.islice(every, _AT_ONCE)):
        yield piece


@dataclass(frozen=True, slots=True)
class Person:
    """An account that may log in; what is empty they have not chosen."""

    id: int
    address: str
    language: str
    zone: str
    times: str
    roles: frozenset[str]


def users_of(numbers: Collection[int]) -> dict[int, Person]:
    found: dict[int, Person] = {}
    columns = (User.id, User.email, UserSetting.language, UserSetting.zone, NoticeChoice.times)
    query = select(*columns).outerjoin(UserSetting, UserSetting.user_id == User.id).outerjoin(NoticeChoice, NoticeChoice.user_id == User.id)
    for piece in pieces(numbers):
        roles = _roles_of(piece)
        for row in db.session.execute(query.where(User.id.in_(piece), User.active.is_(True))):
            address = (row.email or "").strip().lower()
            of = frozenset(roles.get(row.id, ()))
            found[row.id] = Person(row.id, address, row.language or "", row.zone or "", row.times or "", of)
    return found


def _roles_of(numbers: Collection[int]) -> dict[int, set[str]]:
    own, in_group, of_group = assoc_user_role.c, assoc_user_group.c, assoc_group_role.c
    direct = select(own.user_id, RoleRow.name).join(RoleRow, RoleRow.id == own.role_id).where(own.user_id.in_(numbers))
    by_group = (
        select(in_group.user_id, RoleRow.name)
        .join(assoc_group_role, of_group.group_id == in_group.group_id)
        .join(RoleRow, RoleRow.id == of_group.role_id)
        .where(in_group.user_id.in_(numbers))
    )
    found: dict[int, set[str]] = {}
    for user_id, name in db.session.execute(union_all(direct, by_group)):
        found.setdefault(user_id, set()).add(name)
    return found


def further_addresses(numbers: Collection[int]) -> dict[int, list[str]]:
    """Beside the one that stands with the account."""
    found: dict[int, list[str]] = {}
    for piece in pieces(numbers):
        query = select(UserAddress.user_id, UserAddress.address).where(UserAddress.user_id.in_(piece)).order_by(UserAddress.address)
        for number, address in db.session.execute(query):
            found.setdefault(number, []).append(address)
    return found


def accounts_of(addresses: Collection[str]) -> dict[str, frozenset[int]]:
    """Whose own each is, where it is somebody's."""
    found: dict[str, frozenset[int]] = {}
    for address, number in _owned(addresses):
        found[address] = found.get(address, frozenset()) | {number}
    return found


def _owned(addresses: Collection[str]) -> Iterator[tuple[str, int]]:
    mixed = _mixed()
    yield from ((address, mixed[address]) for address in addresses if address in mixed)
    for piece in pieces(addresses):
        yield from db.session.execute(select(UserAddress.address, UserAddress.user_id).where(UserAddress.address.in_(piece))).tuples()
        wanted = set(piece)
        for email, number in db.session.execute(select(User.email, User.id).where(User.email.in_(piece))).tuples():
            if (address := email.strip().lower()) in wanted:  # MariaDB finds what only looks alike, too
                yield address, number


# --- what an index of the column does not find --------------------------------------------------------------------------------

_known: WeakKeyDictionary[Engine, tuple[float, dict[str, int]]] = WeakKeyDictionary()


def _mixed() -> dict[str, int]:
    """Accounts whose address is not all lower case: few, as ours are made, and asked for now and then only."""
    read_at, found = _known.get(db.engine, (-_FRESH_SECONDS, {}))
    if monotonic() - read_at >= _FRESH_SECONDS:
        email: Any = func.trim(func.lower(User.email))
        odd = func.length(email) != func.length(User.email)
        if db.engine.dialect.name != "mysql":  # its index finds upper case for lower
            odd = email != User.email
        found = dict(db.session.execute(select(email, User.id).where(odd)).tuples().all())
        _known[db.engine] = (monotonic(), found)
    return found
