"""Who may teach Rspamd with a mail and have it scanned again; and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Mail, MailLesson, MailRecipient, MailRescan
from app.queries.reached import scope_by_rule
from app.queries.visibility import addresses_of, domains_of, roles_here
from app.roles import Role


@dataclass(frozen=True, slots=True)
class Learning:
    """What somebody may do with one mail."""

    bayes: bool = False
    fuzzy: bool = False
    rescan: bool = False


NOTHING = Learning()
ANYTHING = Learning(bayes=True, fuzzy=True, rescan=True)


def learning_of(user: Any, mail: Mail) -> Learning:
    """Not what they may see: an auditor sees all of it and teaches nothing."""
    if not getattr(user, "is_authenticated", False):
        return NOTHING
    roles = [roles_here(user) & set(current_app.config[setting]) for setting in ("LEARN_ROLES", "FUZZY_ROLES", "RESCAN_ROLES")]
    theirs = {frozenset(each): _may(user, mail, each) for each in roles}
    return Learning(*(theirs[frozenset(each)] for each in roles))


def _may(user: Any, mail: Mail, roles: Collection[str]) -> bool:
    if not roles or Role.ADMIN in roles:
        return bool(roles)
    scope = scope_by_rule(user.id, addresses_of(user), domains_of(user) if Role.DOMAIN_ADMIN in roles else ())
    addresses = db.session.scalars(select(MailRecipient.address).where(MailRecipient.mail_id == mail.id))
    return any(scope.owns(address) for address in addresses)


def lessons_of(mail_id: int) -> Sequence[MailLesson]:
    """The newest first."""
    return db.session.scalars(select(MailLesson).where(MailLesson.mail_id == mail_id).order_by(MailLesson.number.desc())).all()


def rescans_of(mail_id: int) -> Sequence[MailRescan]:
    """The newest first."""
    return db.session.scalars(select(MailRescan).where(MailRescan.mail_id == mail_id).order_by(MailRescan.number.desc())).all()
