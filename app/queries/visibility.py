"""Who may see which mail: one rule, used by lists, details, actions and reports alike."""

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.errors import NotFound
from app.extensions import db
from app.faces import at_portal
from app.ids import MAX_ID
from app.models import Mail, MailRecipient, UserAddress, UserDomain
from app.queries.domains import aliases_by_domain
from app.queries.reached import scope_by_rule
from app.queries.scope import ALL, NOBODY, Scope
from app.roles import Role

_SEE_ALL = {Role.ADMIN, Role.AUDITOR}
_NARROWED = "key_role"
_LIMITED = "limited_to"


def roles_of(user: Any) -> set[str]:
    """By name: the user's own, and those of the groups he is in; or only the one that a key lets a program act in."""
    limited: frozenset[str] | None = getattr(user, _LIMITED, None)
    if limited is not None:
        return set(limited)
    narrowed = key_role(user)
    return held_roles(user) if narrowed is None else {narrowed}


def held_roles(user: Any) -> set[str]:
    return {role.name for holder in (user, *user.groups) for role in holder.roles}


def narrow_to(user: Any, role: str) -> None:
    """For the rest of the request this account has that role only, wherever it is asked."""
    setattr(user, _NARROWED, role)


def limit_to(user: Any, roles: Collection[str]) -> None:
    """What this account asked for once is done later: with the roles that counted then and there, whatever process does it."""
    setattr(user, _LIMITED, frozenset(roles))


def key_role(user: Any) -> str | None:
    role: str | None = getattr(user, _NARROWED, None)
    return role


def roles_here(user: Any) -> set[str]:
    """Those that count: at the portal everybody is a recipient, whatever else they are."""
    return {Role.RECIPIENT.value} if at_portal() and not hasattr(user, _LIMITED) else roles_of(user)


def is_admin(user: Any) -> bool:
    return bool(user.is_authenticated) and Role.ADMIN in roles_of(user)


def is_admin_here(user: Any) -> bool:
    return is_admin(user) and Role.ADMIN in roles_here(user)


def sees_all(user: Any) -> bool:
    """What scope_of() comes to, for who only asks that; it asks nothing of the database."""
    return bool(roles_here(user) & _SEE_ALL) if getattr(user, "is_authenticated", False) else False


def scope_of(user: Any) -> Scope:
    """Admins and auditors see all; a domain admin what went to his domains; and everybody, at the portal
    those too, what went to an address of his own."""
    if not getattr(user, "is_authenticated", False):
        return NOBODY
    if sees_all(user):
        return ALL
    return scope_by_rule(user.id, addresses_of(user), domains_of(user) if Role.DOMAIN_ADMIN in roles_here(user) else ())


def addresses_of(user: Any) -> tuple[str, ...]:
    """The account's own and its further ones, as they are now: a change needs no new login. What follows by rule is not among them."""
    further = db.session.scalars(select(UserAddress.address).where(UserAddress.user_id == user.id).order_by(UserAddress.address))
    own = [user.email.strip().lower()] if user.email else []
    return tuple(dict.fromkeys([*own, *further]))


def domains_of(user: Any) -> tuple[str, ...]:
    """With their aliases."""
    own = db.session.scalars(select(UserDomain.domain).where(UserDomain.user_id == user.id).order_by(UserDomain.domain)).all()
    aliases = aliases_by_domain(own)
    return tuple(dict.fromkeys((*own, *(alias for domain in own for alias in aliases.get(domain, ())))))


def is_addressed_to(user: Any, mail_id: int) -> bool:
    """Whether it came to an address of this account, whatever else the account may see."""
    own = (MailRecipient.mail_id == mail_id, scope_by_rule(user.id, addresses_of(user)).recipient())
    return db.session.scalar(select(MailRecipient.mail_id).where(*own).limit(1)) is not None


def get_mail(user: Any, mail_id: int) -> Mail:
    """NotFound for what is not there and for what this user may not see: the two look alike."""
    if not 0 < mail_id <= MAX_ID:
        raise NotFound(_("There is no such mail."))
    mail = db.session.scalar(select(Mail).where(Mail.id == mail_id, scope_of(user).condition()))
    if mail is None:
        raise NotFound(_("There is no such mail."))
    return mail
