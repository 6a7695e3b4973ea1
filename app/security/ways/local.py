"""Accounts with a password of ours, in FAB's table."""

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from werkzeug.security import check_password_hash

from app.services import logins


def check(username: str, password: str) -> User | None:
    """One hash is worked out for every name, known or not."""
    found = logins.password_hash_of(username)
    nobody = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
    right = check_password_hash(found[1] if found else nobody, password)
    return logins.user_by_id(found[0]) if found and right else None
