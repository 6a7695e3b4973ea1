"""Who has chosen which letters: accounts, addresses without one, and what holds for whole domains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true

from app.extensions import db
from app.models import NoticeChoice, NoticeDomain, NoticeDue, NoticeLine, NoticeRefusal, OwnerKind
from app.models.notice import NEVER
from app.models.people import User
from app.queries.accounts import accounts_of
from app.queries.addressees import Rules, site_zone
from app.queries.matching import in_domains, starts_with
from app.queries.notice_people import Person, users_of
from app.queries.scope import ALL, NOBODY, Scope
from app.queries.visibility import domains_of, roles_here, sees_all
from app.roles import Role

MOST_COUNTED = 999


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the letters to an account."""

    chosen: str
    """Empty: nothing."""
    by: str
    usual: str
    """What holds for who has chosen nothing."""
    refuses: bool
    """Their address did, so that `usual` is never."""
    zone: str
    """In which the hours are meant."""
    has_zone: bool
    """Of their own."""
    next_at: datetime | None
    waiting: int
    """Mails that the next letter tells of, never more than one beyond MOST_COUNTED."""

    @property
    def times(self) -> str:
        return self.chosen or self.usual


def standing_of(user: Any) -> Standing:
    row = db.session.get(NoticeChoice, user.id, populate_existing=True)
    chosen, owner = row.times if row else "", OwnerKind.USER.of(user.id)
    person = users_of({user.id}).get(user.id)
    usual = _usual_times(person)
    zone = user.setting.zone if user.setting is not None else ""
    waiting = waiting_of(owner)
    due_at = db.session.scalar(select(NoticeDue.due_at).where(NoticeDue.owner == owner)) if waiting and (chosen or usual) != NEVER else None
    refuses = person is not None and person.refuses
    return Standing(chosen, row.by if row else "", usual, refuses, zone or site_zone(), bool(zone), due_at, waiting)


def _usual_times(person: Person | None) -> str:
    """What holds for an account that has chosen nothing; never, where it may not log in or has no address."""
    if person is None:
        return NEVER
    domain = person.address.rpartition("@")[2]
    found = Rules({domain}).person(replace(person, times=""), domain)
    return found.times if found is not None else NEVER


def waiting_of(owner: str) -> int:
    found = select(NoticeLine.mail_id).where(NoticeLine.owner == owner, NoticeLine.notice_id.is_(None)).limit(MOST_COUNTED + 1)
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0


def letters_scope_of(user: Any) -> Scope:
    """Letters to which addresses somebody may see: all, or those in their domains."""
    if not getattr(user, "is_authenticated", False):
        return NOBODY
    if sees_all(user):
        return ALL
    return Scope(domains=domains_of(user)) if Role.DOMAIN_ADMIN in roles_here(user) else NOBODY


def within(column: Any, scope: Scope) -> ColumnElement[bool]:
    return true() if scope.everything else in_domains(column, scope.domains)


# --- domains and refusals ------------------------------------------------------------------------------------------------------------


def domain_rules(scope: Scope) -> Sequence[NoticeDomain]:
    """They are as many as somebody has written by hand."""
    query = select(NoticeDomain).order_by(NoticeDomain.domain)
    return db.session.scalars(query if scope.everything else query.where(NoticeDomain.domain.in_(scope.domains))).all()


def domain_rule(domain: str) -> NoticeDomain | None:
    return db.session.get(NoticeDomain, domain, populate_existing=True)


@dataclass(frozen=True, slots=True)
class Refusals:
    rows: Sequence[NoticeRefusal]
    more: str | None
    """`after` of the next page."""


def refusals(scope: Scope, text: str = "", after: str = "", size: int = 50) -> Refusals:
    """By address; `text` is how it begins."""
    query = select(NoticeRefusal).where(within(NoticeRefusal.address, scope)).order_by(NoticeRefusal.address).limit(size + 1)
    if text:
        query = query.where(starts_with(NoticeRefusal.address, text.lower()))
    if after:
        query = query.where(NoticeRefusal.address > after)
    rows = db.session.scalars(query).all()
    return Refusals(rows[:size], rows[size - 1].address if len(rows) > size else None)


def account_of(address: str) -> str:
    """Who answers for an address, by name; empty where nobody has it as their own."""
    numbers = accounts_of([address]).get(address, frozenset())
    return db.session.scalar(select(User.username).where(User.id == min(numbers))) or "" if numbers else ""
