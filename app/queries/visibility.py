"""Who may see which mail: one condition, used by lists, details, actions and reports alike."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, false, select, true

from app.errors import NotFound
from app.extensions import db
from app.ids import MAX_ID
from app.models import Mail, MailRecipient

ADMIN = "Admin"


def roles_of(user: Any) -> set[str]:
    """By name: the user's own, and those of the groups he is in."""
    return {role.name for holder in (user, *user.groups) for role in holder.roles}


def is_admin(user: Any) -> bool:
    return bool(user.is_authenticated) and ADMIN in roles_of(user)


def mail_seen_by(user: Any) -> ColumnElement[bool]:
    """Admins see all; anybody else the mails that have one of their addresses among the recipients."""
    addresses = addresses_seen_by(user)
    if addresses is None:
        return true()
    return exists().where(MailRecipient.mail_id == Mail.id, MailRecipient.address.in_(addresses)) if addresses else false()


def addresses_seen_by(user: Any) -> tuple[str, ...] | None:
    """The same rule as a set of recipient addresses; None means all mail, an empty set none."""
    if not getattr(user, "is_authenticated", False):
        return ()
    return None if is_admin(user) else tuple(addresses_of(user))


def addresses_of(user: Any) -> list[str]:
    return [user.email.strip().lower()] if user.email else []


def get_mail(user: Any, mail_id: int) -> Mail:
    """NotFound for what is not there and for what this user may not see: the two look alike."""
    if not 0 < mail_id <= MAX_ID:
        raise NotFound(_("There is no such mail."))
    mail = db.session.scalar(select(Mail).where(Mail.id == mail_id, mail_seen_by(user)))
    if mail is None:
        raise NotFound(_("There is no such mail."))
    return mail
