"""Domain aliases: made and taken back."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import db
from app.models import DomainAlias, Verb
from app.services.addresses import read_domain
from app.services.audit import record


def add_alias(alias: str, domain: str, *, actor: Actor) -> DomainAlias:
    """An alias is followed once: neither is an alias's domain an alias, nor the other way round."""
    alias, domain = read_domain(alias), read_domain(domain)
    if alias == domain:
        raise BadRequest(_("A domain is no alias of itself."))
    if db.session.get(DomainAlias, alias) is not None:
        raise _taken(alias)
    if db.session.get(DomainAlias, domain) is not None:
        raise Conflict(_("%(domain)s is an alias itself; name the domain that it stands for.", domain=domain))
    if db.session.scalar(select(DomainAlias.alias).where(DomainAlias.domain == alias).limit(1)) is not None:
        raise Conflict(_("%(domain)s has aliases of its own, so it cannot be one.", domain=alias))
    row = DomainAlias(alias=alias, domain=domain, created_at=stored_now())
    db.session.add(row)
    try:
        db.session.flush()
        record(actor, Verb.ALIAS_ADDED, "domain", alias, after={"domain": domain})
        db.session.commit()
    except IntegrityError:  # somebody was faster
        db.session.rollback()
        raise _taken(alias) from None
    return row


def remove_alias(alias: str, *, actor: Actor) -> None:
    row = db.session.get(DomainAlias, alias.strip().lower())
    if row is None:
        raise NotFound(_("%(domain)s is no alias.", domain=alias[:100]))
    record(actor, Verb.ALIAS_REMOVED, "domain", row.alias, before={"domain": row.domain})
    db.session.delete(row)
    db.session.commit()


def _taken(alias: str) -> Conflict:
    return Conflict(_("%(domain)s is an alias already.", domain=alias))
