"""Who may see which mail: one rule, used by lists, details, actions and reports alike."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.errors import NotFound
from app.extensions import db
from app.ids import MAX_ID
from app.models import Mail
from app.queries.scope import ALL, NOBODY, Scope

ADMIN = "Admin"


def roles_of(user: Any) -> set[str]:
    """By name: the user's own, and those of the groups he is in."""
    return {role.name for holder in (user, *user.groups) for role in holder.roles}


def is_admin(user: Any) -> bool:
    return bool(user.is_authenticated) and ADMIN in roles_of(user)


def scope_of(user: Any) -> Scope:
    """Admins see all; anybody else the mails that have one of their addresses among the recipients."""
    if not getattr(user, "is_authenticated", False):
        return NOBODY
    return ALL if is_admin(user) else Scope(addresses=tuple(addresses_of(user)))


def addresses_of(user: Any) -> list[str]:
    return [user.email.strip().lower()] if user.email else []


def get_mail(user: Any, mail_id: int) -> Mail:
    """NotFound for what is not there and for what this user may not see: the two look alike."""
    if not 0 < mail_id <= MAX_ID:
        raise NotFound(_("There is no such mail."))
    mail = db.session.scalar(select(Mail).where(Mail.id == mail_id, scope_of(user).condition()))
    if mail is None:
        raise NotFound(_("There is no such mail."))
    return mail
