"""Who may delete a mail or its stored copy; what waits to be deleted; and whether anything refers to a copy still."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Connection, select, true

from app.extensions import db
from app.models import CopyRemoval, CopyState, Deletion, Extent, Fate, Mail, MailRecipient, Release
from app.queries.reached import scope_by_rule
from app.queries.releases import under_way
from app.queries.scope import Scope
from app.queries.visibility import addresses_of, domains_of, roles_here
from app.roles import Role


@dataclass(frozen=True, slots=True)
class Deleting:
    """What somebody may do with one mail."""

    copy: bool = False
    mail: bool = False
    is_shared: bool = False
    """They might, were it not somebody else's, too."""

    def allows(self, extent: str) -> bool:
        return self.mail if extent == Extent.MAIL else self.copy


NOTHING = Deleting()
ANYTHING = Deleting(copy=True, mail=True)


def deleting_of(user: Any, mail: Any) -> Deleting:
    return deletings_of(user, [mail.id])[mail.id]


def deletings_of(user: Any, mail_ids: Collection[int], seen: Scope | None = None) -> dict[int, Deleting]:
    """Of some mails, with few questions however many they are. `seen`: scope_of(user), where that is known."""
    if not getattr(user, "is_authenticated", False):
        return dict.fromkeys(mail_ids, NOTHING)
    held, config = roles_here(user), current_app.config
    copy, mail = held & set(config["DELETE_COPY_ROLES"]), held & set(config["DELETE_ROLES"])
    own_copies = _all_theirs(user, copy, mail_ids, seen)
    own_mails = own_copies if mail == copy else _all_theirs(user, mail, mail_ids, seen)
    return {
        mail_id: Deleting(
            mail_id in own_copies, mail_id in own_mails, bool(copy | mail) and mail_id not in own_copies and mail_id not in own_mails
        )
        for mail_id in mail_ids
    }


def _all_theirs(user: Any, roles: set[str], mail_ids: Collection[int], seen: Scope | None) -> set[int]:
    """Those of the mails that went to nobody else."""
    if Role.ADMIN in roles:
        return set(mail_ids)
    if not roles or not mail_ids:
        return set()
    if seen is None or seen.everything or (seen.domains and Role.DOMAIN_ADMIN not in roles):
        seen = scope_by_rule(user.id, addresses_of(user), domains_of(user) if Role.DOMAIN_ADMIN in roles else ())
    return _only_of(seen, mail_ids)


def _only_of(scope: Scope, mail_ids: Collection[int]) -> set[int]:
    """A mail that nobody is known to have got is nobody's."""
    query = select(MailRecipient.mail_id, MailRecipient.address).where(MailRecipient.mail_id.in_(mail_ids))
    owned: dict[int, bool] = {}
    for mail_id, address in db.session.execute(query):
        owned[mail_id] = owned.get(mail_id, True) and scope.owns(address)
    return {mail_id for mail_id, is_theirs in owned.items() if is_theirs}


# --- what waits --------------------------------------------------------------------------------------------------------------


def waiting_deletions(mail_ids: Collection[int]) -> dict[int, Deletion]:
    """By mail."""
    query = select(Deletion).where(Deletion.mail_id.in_(mail_ids), Deletion.state == Fate.WAITING)
    return {row.mail_id: row for row in db.session.scalars(query)} if mail_ids else {}


def is_leaving(mail_id: int) -> bool:
    return db.session.scalar(select(Deletion.id).where(Deletion.mail_id == mail_id, Deletion.state == Fate.WAITING).limit(1)) is not None


def is_being_released(mail_id: int) -> bool:
    return db.session.scalar(select(Release.id).where(Release.mail_id == mail_id, under_way()).limit(1)) is not None


def due_deletions(now: datetime, limit: int) -> Sequence[int]:
    due = (Deletion.state == Fate.WAITING, Deletion.due_at <= now)
    return db.session.scalars(select(Deletion.id).where(*due).order_by(Deletion.due_at, Deletion.id).limit(limit)).all()


def next_look(node: str | None) -> datetime | None:
    """When there is something to do again: a deletion, or a copy of this node."""
    first = [
        db.session.scalar(select(Deletion.due_at).where(Deletion.state == Fate.WAITING).order_by(Deletion.due_at).limit(1)),
        db.session.scalar(select(CopyRemoval.due_at).where(_of_node(node)).order_by(CopyRemoval.due_at).limit(1)),
    ]
    return min((moment for moment in first if moment is not None), default=None)


def deleted_among(connection: Connection, mail_ids: Collection[int]) -> dict[tuple[int, str], Extent]:
    """By id and identity, what was deleted of mails."""
    query = select(Deletion.mail_id, Deletion.identity, Deletion.extent).where(Deletion.mail_id.in_(mail_ids), Deletion.state == Fate.DONE)
    found: dict[tuple[int, str], Extent] = {}
    for mail_id, identity, extent in connection.execute(query):
        if found.get((mail_id, identity)) != Extent.MAIL:
            found[mail_id, identity] = Extent(extent)
    return found


# --- copies -------------------------------------------------------------------------------------------------------------------


def due_removals(node: str | None, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
    """Node and digest. No node: of all, which share a store."""
    query = select(CopyRemoval.node, CopyRemoval.digest).where(_of_node(node), CopyRemoval.due_at <= now)
    return [(row.node, row.digest) for row in db.session.execute(query.order_by(CopyRemoval.due_at).limit(limit))]


def removals_elsewhere(own: str, now: datetime, since: datetime, limit: int) -> dict[str, list[str]]:
    """By node the digests that another is to set aside, and could since a moment ago."""
    theirs = (CopyRemoval.node != own, CopyRemoval.is_aside.is_(False), CopyRemoval.due_at <= now, CopyRemoval.due_at >= since)
    found: dict[str, list[str]] = {}
    for row in db.session.execute(select(CopyRemoval.node, CopyRemoval.digest).where(*theirs).limit(limit)):
        found.setdefault(row.node, []).append(row.digest)
    return found


def is_referred_to(digest: str, node: str | None) -> bool:
    of_node = true() if node is None else Mail.copy_node == node
    kept = (Mail.copy_digest == digest, Mail.copy_state == CopyState.STORED, of_node)
    return db.session.scalar(select(Mail.id).where(*kept).limit(1)) is not None


def _of_node(node: str | None) -> ColumnElement[bool]:
    return true() if node is None else CopyRemoval.node == node
