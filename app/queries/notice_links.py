"""Who holds a letter, what its links may still do, and how far each of them counts: never more than a recipient who is logged in may."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Mail, MailRecipient, Map, Notice, NoticeLine, NoticeOwner, NoticeUse, OwnerKind
from app.models.people import User
from app.queries.accounts import accounts_of
from app.queries.addressees import Rules
from app.queries.map_offers import Offer, keys_of, personal_maps, personal_offers, takes_sender
from app.queries.map_reach import Foreign, MapReach
from app.queries.reached import scope_by_rule
from app.queries.releases import releasing_roles
from app.queries.requests import Asking
from app.queries.scope import NOBODY, Scope
from app.queries.settings import choices_of
from app.queries.visibility import addresses_of, held_roles, limit_to
from app.roles import Role

_NOBODY = 0
"""As whose a request counts where no account asks."""


@unique
class LinkAct(StrEnum):
    """What a link of a letter is for. What it is called is signed with it."""

    RELEASE = "release"
    ALLOW = "allow"  # release it, and allow its sender
    BLOCK = "block"
    REPORT = "report"
    OPEN = "open"


class Told(Protocol):
    """A line of a letter."""

    @property
    def mail_id(self) -> int: ...
    @property
    def address(self) -> str: ...


class _Recipient:
    """Whoever holds a letter may what recipients may, whatever else their account is. No account's own roles are touched."""

    is_authenticated = True


_RECIPIENT = _Recipient()
limit_to(_RECIPIENT, (Role.RECIPIENT,))


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever a letter was for, as far as they are still who they were."""

    user_id: int | None
    own: tuple[str, ...]
    """Where a letter of theirs may have gone."""
    scope: Scope
    reach: MapReach
    watches: bool = False

    def may_release(self, mail: Mail) -> bool:
        return not self.watches and mail.is_stored and bool(releasing_roles(_RECIPIENT, mail))

    def asking(self, address: str) -> Asking:
        """For a request, or to tell that the mail was wrongly kept."""
        may = not self.watches and Role.RECIPIENT in current_app.config["REQUEST_ROLES"]
        return Asking(self.user_id or _NOBODY, (address,) if may else ())


def holder_of(owner: str) -> Holder | None:
    """None where they are no more: the account is gone or switched off, the address lost, the domain told otherwise."""
    read = NoticeOwner.read(owner)
    if read is None:
        return None
    if read.user_id is not None:
        return _of_account(read.user_id)
    if read.kind is OwnerKind.ADDRESS:
        return _of_address(read.name)
    return Holder(None, (read.name,), NOBODY, MapReach(foreign=Foreign.HIDE), watches=True)


def _of_account(user_id: int) -> Holder | None:
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or not user.is_active or not held_roles(user) - {Role.PUBLIC}:
        return None
    own = addresses_of(user)
    foreign = Foreign(current_app.config["FOREIGN_ENTRIES"])
    return Holder(user.id, own, scope_by_rule(user.id, own), MapReach(user.id, own=Scope(own), foreign=foreign))


def _of_address(address: str) -> Holder | None:
    """An account that has taken the address meanwhile speaks for it: switched off, it takes the links with it."""
    if Rules({address.rpartition("@")[2]}).nobody(address) is None or any(not user.is_active for user in accounts_at(address)):
        return None
    own = Scope((address,))
    return Holder(None, (address,), own, MapReach(own=own, foreign=Foreign.HIDE))


def accounts_at(address: str) -> Sequence[User]:
    numbers = accounts_of([address]).get(address)
    return db.session.scalars(select(User).where(User.id.in_(numbers))).all() if numbers else ()


# --- one link ------------------------------------------------------------------------------------------------------------------


def notice_called(notice_id: int) -> Notice | None:
    return db.session.get(Notice, notice_id, populate_existing=True)


def use_of(notice_id: int, mail_id: int, act: str) -> NoticeUse | None:
    return db.session.get(NoticeUse, (notice_id, mail_id, act), populate_existing=True)


def line_of(notice: Notice, mail_id: int) -> NoticeLine | None:
    """What the letter told of this mail."""
    line = db.session.get(NoticeLine, (mail_id, notice.owner), populate_existing=True)
    return line if line is not None and line.notice_id == notice.id else None


def holder_now(notice: Notice, line: NoticeLine) -> Holder | None:
    """None where this mail is no longer theirs, or the letter went to an address that is no longer theirs."""
    holder = holder_of(notice.owner)
    if holder is None or notice.address.lower() not in holder.own:
        return None
    if not holder.watches and holder.user_id is not None and not holder.scope.owns(line.address):
        return None
    there = select(MailRecipient.mail_id).where(MailRecipient.mail_id == line.mail_id, MailRecipient.address == line.address)
    return holder if db.session.scalar(there.limit(1)) is not None else None


def is_of_others(notice: Notice) -> bool:
    """It went to an address that this account has no more: whoever has it now says nothing for them."""
    user = _account(notice.owner)
    return user is not None and notice.address.lower() not in addresses_of(user)


def _account(owner: str) -> User | None:
    read = NoticeOwner.read(owner)
    return db.session.get(User, read.user_id, populate_existing=True) if read is not None and read.user_id is not None else None


def mail_called(mail_id: int) -> Mail | None:
    return db.session.get(Mail, mail_id, populate_existing=True)


def list_offers(holder: Holder, mail: Mail, address: str, colour: str) -> list[Offer]:
    """Into which of their lists its sender can go."""
    return personal_offers(holder.reach, mail, (address,), colour)


def language_and_zone(owner: str, address: str) -> tuple[str, str]:
    """Of the pages that the links of a letter to this address lead to. No zone: the site's."""
    user = _account(owner)
    chosen = choices_of(user) if user is not None else None
    domain = address.rpartition("@")[2]
    return (chosen.language if chosen else "") or Rules({domain}).language(domain), chosen.zone if chosen else ""


# --- a letter's lines ----------------------------------------------------------------------------------------------------------


def acts_for(owner: str, lines: Sequence[Told], *, releases: bool) -> dict[int, frozenset[LinkAct]]:
    """By mail. However many lines there are, the questions are few. `releases`: whether anything can be released here at all."""
    holder = holder_of(owner)
    if holder is None:
        return {line.mail_id: frozenset() for line in lines}
    if holder.watches:
        return {line.mail_id: frozenset({LinkAct.OPEN}) for line in lines}
    mails = _mails([line.mail_id for line in lines])
    lists = {colour: personal_maps(holder.reach, colour) for colour in ("allow", "deny")}
    keys = dict(zip((line.address for line in lines), keys_of([line.address for line in lines]), strict=True))
    found = {}
    for line in lines:
        mail = mails.get(line.mail_id)
        found[line.mail_id] = frozenset() if mail is None else _acts(holder, mail, lists, keys[line.address], line.address, releases)
    return found


def _acts(
    holder: Holder, mail: Mail, lists: Mapping[str, Collection[Map]], keys: Sequence[str], address: str, releases: bool
) -> frozenset[LinkAct]:
    acts = set[LinkAct]()
    may_release = releases and holder.may_release(mail)
    if may_release:
        acts.add(LinkAct.RELEASE)
        if takes_sender(holder.reach, lists["allow"], mail, keys):
            acts.add(LinkAct.ALLOW)
    if takes_sender(holder.reach, lists["deny"], mail, keys):
        acts.add(LinkAct.BLOCK)
    if holder.asking(address).addresses and (may_release or (releases and mail.is_stored)):
        acts.add(LinkAct.REPORT)
    if holder.user_id is not None:
        acts.add(LinkAct.OPEN)
    return frozenset(acts)


def _mails(ids: Sequence[int]) -> dict[int, Mail]:
    return {mail.id: mail for mail in db.session.scalars(select(Mail).where(Mail.id.in_(ids)))} if ids else {}
