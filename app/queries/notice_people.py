"""Accounts, many at once, as far as letters need them: where they are reached, and what they chose."""

from collections.abc import Collection
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import assoc_group_role, assoc_user_group, assoc_user_role
from sqlalchemy import select, union_all

from app.extensions import db
from app.models import NoticeChoice, UserAddress, UserSetting
from app.models.people import RoleRow, User
from app.queries.notice_refusals import refusing
from app.queries.pieces import pieces


@dataclass(frozen=True, slots=True)
class Person:
    """An account that may log in; what is empty they have not chosen."""

    id: int
    address: str
    language: str
    zone: str
    times: str
    refuses: bool
    """Their address wanted no letters, maybe when it was nobody's: that holds until they choose."""
    roles: frozenset[str]


def users_of(numbers: Collection[int]) -> dict[int, Person]:
    found: dict[int, Person] = {}
    columns = (User.id, User.email, UserSetting.language, UserSetting.zone, NoticeChoice.times)
    query = select(*columns).outerjoin(UserSetting, UserSetting.user_id == User.id).outerjoin(NoticeChoice, NoticeChoice.user_id == User.id)
    for piece in pieces(numbers):
        roles = _roles_of(piece)
        rows = db.session.execute(query.where(User.id.in_(piece), User.active.is_(True))).all()
        addresses = {row.id: (row.email or "").strip().lower() for row in rows}
        refused = refusing({*addresses.values()})
        for row in rows:
            address, of = addresses[row.id], frozenset(roles.get(row.id, ()))
            found[row.id] = Person(row.id, address, row.language or "", row.zone or "", row.times or "", address in refused, of)
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
