"""What roles may do, written to the database as the code knows it. Several may run at once, and any of them again."""

from collections.abc import Iterable

from flask import current_app
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.extensions import db
from app.faces import at_portal
from app.models.people import GrantLink, Permission, PermissionView, RoleRow, ViewMenu
from app.roles import GRANTS, Grant, Role, grants_of_views
from app.services.locked import alone


def sync_permissions() -> None:
    """Every permission and role there is exists; ours have what GRANTS says, Admin has all. Roles of the site's own keep what they
    have, but for what no view asks for any more."""
    appbuilder = current_app.extensions.get("appbuilder")
    if appbuilder is None or at_portal():  # of the portal's few views all others would seem to be gone
        raise Conflict("Run this with ROLES including web: permissions belong to the panel's views.")
    known = grants_of_views(appbuilder)
    unknown = {grant for grants in GRANTS.values() for grant in grants} - known
    if unknown:
        raise Conflict(f"The table of roles names what no view has: {sorted(unknown)}")
    with alone(db.engine, "permissions") as session:
        ids = _grants(session, known)
        roles = _roles(session)
        for role, name in roles.items():
            wanted = known if name == Role.ADMIN else GRANTS.get(name)
            if wanted is not None:
                _give(session, role, {ids[grant] for grant in wanted})


def _grants(session: Session, known: Iterable[Grant]) -> dict[Grant, int]:
    """All of them by their id, after what is missing was added and what is no more was removed."""
    known = frozenset(known)
    permissions = _named(session, Permission, {permission for permission, _ in known})
    views = _named(session, ViewMenu, {view for _, view in known})
    there = {(row.permission_id, row.view_menu_id): row.id for row in session.scalars(select(PermissionView))}
    wanted = {(permissions[permission], views[view]): (permission, view) for permission, view in known}
    gone = [there[pair] for pair in there.keys() - wanted.keys()]
    if gone:
        session.execute(delete(GrantLink).where(GrantLink.c.permission_view_id.in_(gone)))
        session.execute(delete(PermissionView).where(PermissionView.id.in_(gone)))
    session.add_all(PermissionView(permission_id=pair[0], view_menu_id=pair[1]) for pair in sorted(wanted.keys() - there.keys()))
    session.flush()
    rows = session.scalars(select(PermissionView)).all()
    return {wanted[row.permission_id, row.view_menu_id]: row.id for row in rows}


def _named(session: Session, model: type[Permission] | type[ViewMenu], names: set[str]) -> dict[str, int]:
    there = {row.name for row in session.scalars(select(model))}
    session.add_all(model(name=name) for name in sorted(names - there))
    session.flush()
    return {row.name: row.id for row in session.scalars(select(model))}


def _roles(session: Session) -> dict[int, str]:
    there = {row.name for row in session.scalars(select(RoleRow))}
    session.add_all(RoleRow(name=role.value) for role in Role if role not in there)
    session.flush()
    return {row.id: row.name for row in session.scalars(select(RoleRow))}


def _give(session: Session, role: int, wanted: set[int]) -> None:
    """Exactly these: what was given by hand to one of our roles is taken away."""
    there = set(session.scalars(select(GrantLink.c.permission_view_id).where(GrantLink.c.role_id == role)))
    if there - wanted:
        session.execute(delete(GrantLink).where(GrantLink.c.role_id == role, GrantLink.c.permission_view_id.in_(there - wanted)))
    if wanted - there:
        session.execute(insert(GrantLink), [{"role_id": role, "permission_view_id": each} for each in sorted(wanted - there)])
