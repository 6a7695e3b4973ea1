"""Whose mail somebody sees: the further addresses of an account, and the domains it looks after."""

import re
from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import db
from app.models import Verb
from app.models.people import AddressSource, User, UserAddress, UserDomain
from app.queries.people import Reach
from app.services.audit import record

_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
MOST_ADDRESSES = 1000


def add_address(reach: Reach, user: User, text: str, source: AddressSource = AddressSource.ADMIN, *, actor: Actor) -> UserAddress:
    name = user.username
    try:
        row = put_address(reach, user, text, source, actor=actor)
        db.session.commit()
    except IntegrityError:  # twice at once
        db.session.rollback()
        raise _has_it(name) from None
    return row


def put_address(reach: Reach, user: User, text: str, source: AddressSource = AddressSource.ADMIN, *, actor: Actor) -> UserAddress:
    """In the transaction of whoever calls."""
    address = _new_address(reach, user, text)
    if (db.session.scalar(select(func.count()).where(UserAddress.user_id == user.id)) or 0) >= MOST_ADDRESSES:
        raise Conflict(_("An account has at most %(count)s addresses.", count=MOST_ADDRESSES))
    row = UserAddress(user_id=user.id, address=address, source=source, created_at=stored_now())
    db.session.add(row)
    record(actor, Verb.ADDRESS_ADDED, "account", user.username, after={"address": address, "source": source.value})
    return row


def change_address(reach: Reach, user: User, old: str, new: str, *, actor: Actor) -> None:
    """Of those that somebody here gave: what a directory says is changed there."""
    old = old.strip().lower()
    reach.must_hold(old)
    if read_address(new) == old:
        return
    address = _new_address(reach, user, new)
    name, mine = user.username, (UserAddress.user_id == user.id, UserAddress.address == old, UserAddress.source == AddressSource.ADMIN)
    try:
        changed = db.session.execute(update(UserAddress).where(*mine).values(address=address))
    except IntegrityError:  # twice at once
        db.session.rollback()
        raise _has_it(name) from None
    if not changed.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise NotFound(_("%(name)s has no such address.", name=user.username))
    record(actor, Verb.ADDRESS_CHANGED, "account", user.username, before={"address": old}, after={"address": address})
    db.session.commit()


def _new_address(reach: Reach, user: User, text: str) -> str:
    address = read_address(text)
    reach.must_hold(address)
    if db.session.scalar(select(UserAddress.id).where(UserAddress.user_id == user.id, UserAddress.address == address)):
        raise _has_it(user.username)
    return address


def _has_it(name: str) -> Conflict:
    return Conflict(_("%(name)s has this address already.", name=name))


def remove_address(reach: Reach, user: User, text: str, *, actor: Actor) -> None:
    address = text.strip().lower()
    reach.must_hold(address)
    found = db.session.execute(delete(UserAddress).where(UserAddress.user_id == user.id, UserAddress.address == address))
    if not found.rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise NotFound(_("%(name)s has no such address.", name=user.username))
    record(actor, Verb.ADDRESS_REMOVED, "account", user.username, before={"address": address})
    db.session.commit()


def set_domains(user: User, domains: Iterable[str], *, actor: Actor) -> None:
    wanted = {read_domain(domain) for domain in domains}
    there = put_domains(user, wanted)
    record(actor, Verb.DOMAINS_SET, "account", user.username, before={"domains": sorted(there)}, after={"domains": sorted(wanted)})
    db.session.commit()


def put_domains(user: User, wanted: set[str]) -> set[str]:
    """What there was before."""
    there = set(db.session.scalars(select(UserDomain.domain).where(UserDomain.user_id == user.id)))
    db.session.execute(delete(UserDomain).where(UserDomain.user_id == user.id, UserDomain.domain.not_in(wanted)))
    db.session.add_all(UserDomain(user_id=user.id, domain=domain, created_at=stored_now()) for domain in sorted(wanted - there))
    return there


def read_address(text: str) -> str:
    address = text.strip().lower()
    if not _ADDRESS.fullmatch(address) or len(address) > 320 or not address.isprintable():
        raise BadRequest(_("“%(text)s” is no mail address.", text=text.strip()[:100]))
    return address


def read_domain(text: str) -> str:
    domain = text.strip().lstrip("@").rstrip(".").lower()
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain) or len(domain) > 255:
        raise BadRequest(_("“%(text)s” is no domain.", text=text.strip()[:100]))
    return domain
