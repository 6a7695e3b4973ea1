"""Roles and permissions as the code knows them, written to the database once by a deployment."""

from flask import current_app

from app.errors import Conflict
from app.extensions import db


def sync_permissions() -> None:
    """Every view's permissions exist, Admin has them all, and what no view has any more is gone. Safe to repeat."""
    appbuilder = current_app.extensions.get("appbuilder")
    if appbuilder is None:
        raise Conflict("Run this with ROLES including web: permissions belong to the panel's views.")
    for name in (appbuilder.sm.auth_role_admin, appbuilder.sm.auth_role_public):
        appbuilder.sm.add_role(name)
    appbuilder.add_permissions(update_perms=True)
    appbuilder.security_cleanup()
    db.session.commit()


def ensure_admin(username: str, password: str, email: str) -> bool:
    """Makes the first account; False where there is one already."""
    sm = current_app.extensions["appbuilder"].sm
    if sm.count_users():
        return False
    user = sm.add_user(username, "Mailkeep", "Admin", email, sm.find_role(sm.auth_role_admin), password)
    if not user:
        raise Conflict(f"The account {username} could not be made; see the log.")
    return True
