"""Domains that are other names of domains."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from app.extensions import db
from app.models import DomainAlias
from app.queries.pieces import pieces

_MOST = 1000


def all_aliases() -> Sequence[DomainAlias]:
    return db.session.scalars(select(DomainAlias).order_by(DomainAlias.domain, DomainAlias.alias).limit(_MOST)).all()


def aliases_by_domain(domains: Iterable[str]) -> dict[str, list[str]]:
    """Of an alias there is none, so one look is enough."""
    found: dict[str, list[str]] = {}
    wanted = set(domains)
    if wanted:
        query = select(DomainAlias.domain, DomainAlias.alias).where(DomainAlias.domain.in_(wanted)).order_by(DomainAlias.alias)
        for domain, alias in db.session.execute(query):
            found.setdefault(domain, []).append(alias)
    return found


def aliases_for(domains: Iterable[str]) -> dict[str, str]:
    """Of those that are aliases, the domain that each stands for."""
    found: dict[str, str] = {}
    for piece in pieces(domains):
        query = select(DomainAlias.alias, DomainAlias.domain).where(DomainAlias.alias.in_(piece))
        found |= {row.alias: row.domain for row in db.session.execute(query)}
    return found
