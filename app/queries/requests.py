"""Who may ask that a mail is released to them, who decides it, and what is asked."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select, true

from app.extensions import db
from app.models import Asks, Decision, Mail, MailRecipient, MailRequest, Release, Step
from app.queries.reached import scope_by_rule
from app.queries.releases import newest_by_address, releasing_of
from app.queries.scope import Scope
from app.queries.visibility import addresses_of, domains_of, roles_here
from app.roles import Role

MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class Asking:
    """For which recipients of one mail somebody may ask: their own addresses, never a whole domain."""

    user_id: int
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deciding:
    """Whose requests somebody decides: all, or those for some domains, as far as they might release the mail themselves."""

    everything: bool = False
    domains: tuple[str, ...] = ()
    viruses: bool = False
    most_score: float | None = None
    but_actions: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        return not (self.everything or self.domains)

    def condition(self) -> ColumnElement[bool]:
        """Of a row of mail_request beside its mail, which may be gone."""
        if self.everything:
            return true()
        if not self.domains:
            return false()
        rules: list[ColumnElement[bool]] = [MailRequest.domain.in_(self.domains)]
        rules += [] if self.viruses else [or_(Mail.id.is_(None), Mail.has_virus.is_(False))]
        rules += [] if self.most_score is None else [or_(Mail.id.is_(None), Mail.score <= self.most_score)]
        rules += [or_(Mail.id.is_(None), Mail.action.not_in(self.but_actions))] if self.but_actions else []
        return and_(*rules)


NOBODYS = Deciding()


def asking_of(user: Any, mail: Mail) -> Asking:
    """Whoever may release it does not ask."""
    told = telling_of(user, mail)
    releasing = releasing_of(user, mail)
    return Asking(told.user_id, tuple(address for address in told.addresses if not releasing.scope.owns(address)) if mail.is_stored else ())


def telling_of(user: Any, mail: Mail) -> Asking:
    """Who may tell that it was wrongly held back."""
    if not getattr(user, "is_authenticated", False) or not roles_here(user) & set(current_app.config["REQUEST_ROLES"]):
        return Asking(0)
    own = scope_by_rule(user.id, addresses_of(user))
    query = select(MailRecipient.address).where(MailRecipient.mail_id == mail.id, own.recipient()).order_by(MailRecipient.position)
    return Asking(user.id, tuple(address for address in db.session.scalars(query) if own.owns(address)))


def deciding_of(user: Any) -> Deciding:
    if not getattr(user, "is_authenticated", False):
        return NOBODYS
    config = current_app.config
    roles = roles_here(user) & set(config["RELEASE_ROLES"])
    if Role.ADMIN in roles:
        return Deciding(everything=True, viruses=True)
    if Role.DOMAIN_ADMIN not in roles:
        return NOBODYS
    most = float(config["RELEASE_MAX_SCORE"]) if config["RELEASE_MAX_SCORE"] else None
    viruses, but = Role.DOMAIN_ADMIN in config["RELEASE_VIRUS_ROLES"], tuple(config["RELEASE_ADMIN_ACTIONS"])
    return Deciding(domains=domains_of(user), viruses=viruses, most_score=most, but_actions=but)


# --- pages -----------------------------------------------------------------------------------------------------------------


@unique
class Meanwhile(StrEnum):
    """What has become of the mail meanwhile, where that matters to who decides."""

    RELEASED = "released"
    NO_COPY = "no_copy"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Requested:
    row: MailRequest
    mail: Mail | None
    fate: Meanwhile | None


@dataclass(frozen=True, slots=True)
class Requests:
    rows: Sequence[Requested]
    older: int | None
    """`before` of the next page."""


def queue_of(deciding: Deciding, *, is_open: bool, before: int | None, size: int) -> Requests:
    if deciding.is_nothing:
        return Requests([], None)
    state = MailRequest.state == Decision.OPEN if is_open else MailRequest.state != Decision.OPEN
    return _page((state, deciding.condition()), before, size)


def own_requests(user_id: int, *, before: int | None, size: int) -> Requests:
    return _page((MailRequest.user_id == user_id,), before, size)


def requests_called(deciding: Deciding, ids: Collection[int]) -> Sequence[Requested]:
    return _page((MailRequest.id.in_(ids), deciding.condition()), None, len(ids)).rows


def _page(conditions: Iterable[ColumnElement[bool]], before: int | None, size: int) -> Requests:
    query = select(MailRequest, Mail).outerjoin(Mail, Mail.id == MailRequest.mail_id).where(*conditions)
    if before is not None:
        query = query.where(MailRequest.id < before)
    rows = db.session.execute(query.order_by(MailRequest.id.desc()).limit(size + 1)).all()
    page = rows[:size]
    went = _went(page)
    return Requests([Requested(row, mail, _fate(row, mail, went)) for row, mail in page], page[-1][0].id if len(rows) > size else None)


def _fate(row: MailRequest, mail: Mail | None, went: set[tuple[int, str]]) -> Meanwhile | None:
    if not row.is_open:
        return None
    if mail is None:
        return Meanwhile.GONE
    if (row.mail_id, row.address) in went:
        return Meanwhile.RELEASED
    return None if mail.is_stored else Meanwhile.NO_COPY


def _went(page: Sequence[Row[Any]]) -> set[tuple[int, str]]:
    """By their mails alone: with the addresses MariaDB would rather read all releases."""
    mails = {row.mail_id for row, _mail in page if row.is_open}
    there = (Release.mail_id.in_(mails), Release.state.in_((Step.SENT, Step.SENDING, Step.WAITING)))
    query = select(Release.mail_id, Release.address).where(*there)
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(Release, "FORCE INDEX (ux_mail_release)", dialect)
    return {(mail_id, address) for mail_id, address in db.session.execute(query)} if mails else set()


def has_gone(mail_id: int, address: str) -> bool:
    return bool(gone_among(mail_id, [address]))


def gone_among(mail_id: int, addresses: Collection[str]) -> set[str]:
    """Those to whom it was sent, or is on its way."""
    newest = newest_by_address(mail_id, addresses) if addresses else {}
    return {address for address, last in newest.items() if last.state == Step.SENT or last.is_under_way}


def open_count(deciding: Deciding) -> int:
    """Never more than one beyond MOST_COUNTED."""
    if deciding.is_nothing:
        return 0
    query = select(MailRequest.id).where(MailRequest.state == Decision.OPEN, deciding.condition())
    if not deciding.everything:
        query = query.outerjoin(Mail, Mail.id == MailRequest.mail_id)
    return db.session.scalar(select(func.count()).select_from(query.limit(MOST_COUNTED + 1).subquery())) or 0


# --- of one mail -----------------------------------------------------------------------------------------------------------


def requests_of(mail_id: int, scope: Scope) -> list[MailRequest]:
    """The newest first, for addresses that are theirs to see."""
    rows = db.session.scalars(select(MailRequest).where(MailRequest.mail_id == mail_id)).all()  # few: sorted here, by their mail's index
    return sorted((row for row in rows if scope.owns(row.address)), key=lambda row: row.id, reverse=True)


def request_there(mail_id: int, asks: Asks, address: str) -> MailRequest | None:
    same = (MailRequest.mail_id == mail_id, MailRequest.asks == asks, MailRequest.address == address)
    return db.session.scalar(select(MailRequest).where(*same).execution_options(populate_existing=True))


def request_to_decide(deciding: Deciding, request_id: int) -> MailRequest | None:
    query = select(MailRequest).outerjoin(Mail, Mail.id == MailRequest.mail_id)
    return db.session.scalar(query.where(MailRequest.id == request_id, deciding.condition()).execution_options(populate_existing=True))


def requests_to_decide(deciding: Deciding, ids: Collection[int]) -> set[int]:
    query = select(MailRequest.id).outerjoin(Mail, Mail.id == MailRequest.mail_id).where(MailRequest.id.in_(ids), deciding.condition())
    return set(db.session.scalars(query)) if ids else set()


def count_of_own(asking: Asking, most: int) -> int:
    """Open ones, never more than `most`. An address without an account counts for itself."""
    theirs = [MailRequest.user_id == asking.user_id, *([] if asking.user_id else [MailRequest.address.in_(asking.addresses)])]
    query = select(MailRequest.id).where(*theirs, MailRequest.state == Decision.OPEN).limit(most)
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
