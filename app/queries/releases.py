"""Who may send a stored mail on, and to whom; and what has come of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select

from app.extensions import db
from app.models import Mail, MailDetail, MailRecipient, Release, Step
from app.queries.reached import scope_by_rule
from app.queries.scope import ALL, NOBODY, Scope
from app.queries.visibility import addresses_of, domains_of, roles_here
from app.roles import Role


@dataclass(frozen=True, slots=True)
class Releasing:
    """What somebody may do with one mail: send it on to those of its recipients that the scope owns, or to others too."""

    scope: Scope
    others: bool = False


NOTHING = Releasing(NOBODY)
ANYTHING = Releasing(ALL, others=True)


def releasing_of(user: Any, mail: Mail) -> Releasing:
    """Not what they may see: an auditor sees all of it and sends nothing on."""
    roles = releasing_roles(user, mail)
    if not roles:
        return NOTHING
    if Role.ADMIN in roles:
        return ANYTHING
    return Releasing(scope_by_rule(user.id, addresses_of(user), domains_of(user) if Role.DOMAIN_ADMIN in roles else ()))


def releasing_roles(user: Any, mail: Any) -> set[str]:
    """As which of their roles they may release this one, a mail or a row of a list; it asks nothing of the database."""
    if not getattr(user, "is_authenticated", False):
        return set()
    roles = roles_here(user) & set(current_app.config["RELEASE_ROLES"])
    if mail.has_virus:
        roles &= set(current_app.config["RELEASE_VIRUS_ROLES"])
    return set() if Role.ADMIN not in roles and is_for_admins(mail) else roles


def is_for_admins(mail: Any) -> bool:
    """By its score, or by what Rspamd decided."""
    most = current_app.config["RELEASE_MAX_SCORE"]
    return bool(most and mail.score > float(most)) or mail.action in current_app.config["RELEASE_ADMIN_ACTIONS"]


def recipients_to_release(mail_id: int, releasing: Releasing) -> list[MailRecipient]:
    if releasing.scope.is_empty:
        return []
    query = select(MailRecipient).where(MailRecipient.mail_id == mail_id).order_by(MailRecipient.position)
    return [row for row in db.session.scalars(query) if releasing.scope.owns(row.address)]


def releases_of(mail_id: int, scope: Scope) -> list[Release]:
    """The newest first, of addresses that are theirs to see: nobody learns here who else got the mail."""
    rows = db.session.scalars(select(Release).where(Release.mail_id == mail_id)).all()  # few: sorted here, by their mail's index
    return sorted((row for row in rows if scope.owns(row.address)), key=lambda row: row.id, reverse=True)


def newest_by_address(mail_id: int, addresses: Iterable[str]) -> dict[str, Release]:
    query = select(Release).where(Release.mail_id == mail_id, Release.address.in_(list(addresses))).order_by(Release.number)
    return {row.address: row for row in db.session.scalars(query)}


def headers_of(mail_id: int) -> str:
    """As Rspamd sent them."""
    return db.session.scalar(select(MailDetail.headers).where(MailDetail.mail_id == mail_id)) or ""


def due_releases(node: str, now: datetime, limit: int) -> Sequence[int]:
    query = select(Release.id).where(Release.state.in_((Step.WAITING, Step.FAILED)), Release.next_try_at <= now, Release.node == node)
    return db.session.scalars(query.order_by(Release.next_try_at, Release.id).limit(limit)).all()


def lost_releases(before: datetime, limit: int) -> Sequence[int]:
    """Claimed so long ago that nobody will say what became of them."""
    query = select(Release.id).where(Release.state == Step.SENDING, Release.claimed_at < before).limit(limit)
    return db.session.scalars(query).all()


def under_way() -> ColumnElement[bool]:
    return or_(Release.state.in_((Step.WAITING, Step.SENDING)), and_(Release.state == Step.FAILED, Release.next_try_at.is_not(None)))


def is_any_under_way(node: str) -> bool:
    """Whether it is worth looking again soon."""
    pending = (Release.state.in_((Step.WAITING, Step.FAILED)), Release.next_try_at.is_not(None), Release.node == node)
    return db.session.scalar(select(Release.id).where(*pending).limit(1)) is not None


def waiting_here(node: str, ids: Sequence[int]) -> list[tuple[int, datetime]]:
    """Of these releases those that this node is to send, and when each may go."""
    own = (Release.id.in_(ids), Release.node == node, Release.state == Step.WAITING, Release.next_try_at.is_not(None))
    rows = db.session.execute(select(Release.id, Release.next_try_at).where(*own)).tuples()
    return [(release_id, at) for release_id, at in rows if at is not None]


def due_elsewhere(node: str, now: datetime, since: datetime, among: Collection[int]) -> dict[str, list[int]]:
    """By node what another is to send, has not tried yet, and could since a moment ago."""
    theirs = (Release.id.in_(among), Release.state == Step.WAITING, Release.node != node)
    in_time = (Release.next_try_at <= now, Release.next_try_at >= since)
    found: dict[str, list[int]] = {}
    for name, release_id in db.session.execute(select(Release.node, Release.id).where(*theirs, *in_time).order_by(Release.id)):
        found.setdefault(name, []).append(release_id)
    return found
