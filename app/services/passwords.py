"""Passwords of ours: what one must be, and how it is set."""

import secrets
from collections.abc import Callable
from functools import cache

from flask import current_app
from flask_babel import gettext as _
from werkzeug.security import check_password_hash, generate_password_hash

from app.actor import Actor
from app.errors import BadRequest, NotAllowed
from app.extensions import db
from app.models import Verb
from app.models.people import User, UserSetting
from app.queries.people import Reach
from app.services.audit import record

SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 500


def hash_of(password: str) -> str:
    """As FAB's own commands make it. It takes a while, so before a transaction in which others wait."""
    config = current_app.config
    method, salt = config.get("FAB_PASSWORD_HASH_METHOD", "scrypt"), config.get("FAB_PASSWORD_HASH_SALT_LENGTH", 16)
    return generate_password_hash(password, method, salt)


@cache
def nobodys_hash() -> str:
    """What is looked at where there is nobody of that name: it takes as long, and no password is right. Posts ask without an app."""
    return generate_password_hash(secrets.token_hex(16))


def set_password(user: User, password: str, *, must_change: bool = False, actor: Actor) -> None:
    """`must_change`: they choose another one at the next login."""
    check_password(password)
    owe_password(user, must_change)
    current_app.extensions["appbuilder"].sm.reset_password(user.id, password, actor)


def give_password(reach: Reach, user: User, password: str, *, must_change: bool, actor: Actor) -> None:
    """By whoever looks after the account."""
    reach.must_give_password(user)
    set_password(user, password, must_change=must_change, actor=actor)


def change_own_password(user: User, old: str, new: str, *, actor: Actor) -> None:
    if not user.password:
        raise NotAllowed(_("Your password is not kept here; change it where your account comes from."))
    if not check_password_hash(user.password, old):
        raise BadRequest(_("That is not your present password."))
    if old == new:
        raise BadRequest(_("That is the password you have already; choose another one."))
    set_password(user, new, actor=actor)


def choose_by_link(user: User, password: str, is_still_good: Callable[[], bool], *, actor: Actor) -> bool:
    """False where the link has been used meanwhile. Passwords are set one after the other, as their events are."""
    check_password(password)
    hashed = hash_of(password)
    record(actor, Verb.PASSWORD_SET, "account", user.username, after={"way": "link"})
    db.session.refresh(user)
    if not is_still_good():
        db.session.rollback()
        return False
    user.password = hashed
    owe_password(user, False)
    db.session.commit()
    return True


def owe_password(user: User, owes: bool) -> None:
    """Joins the transaction of whoever calls."""
    row = db.session.get(UserSetting, user.id)
    if row is None and owes:
        db.session.add(UserSetting(user_id=user.id, owes_password=True))
    elif row is not None:
        row.owes_password = owes


def check_password(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD or len(set(password)) < 5:
        raise BadRequest(_("A password has at least %(count)s characters, and not the same few again and again.", count=SHORTEST_PASSWORD))
    if len(password) > _LONGEST_PASSWORD:
        raise BadRequest(_("That password is too long."))
