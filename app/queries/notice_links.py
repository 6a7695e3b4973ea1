"""Who holds a letter, what its links may still do, and how far each of them counts: never more than a recipient who is logged in may."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum, unique

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Mail, MailRecipient, Notice, NoticeLine, NoticeOwner, NoticeUse, OwnerKind
from app.models.people import User
from app.queries.accounts import accounts_of
from app.queries.addressees import Rules
from app.queries.map_offers import Offer, personal_offers
from app.queries.map_reach import Foreign, MapReach
from app.queries.notice_people import further_addresses, users_of
from app.queries.reached import scope_by_rule
from app.queries.releases import releasing_roles
from app.queries.requests import Asking
from app.queries.scope import NOBODY, Scope
from app.queries.settings import choices_of
from app.queries.visibility import addresses_of, limit_to
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
    found = holders_of([owner]).get(owner)
    if found is None or found.user_id is None:
        return found
    return replace(found, scope=scope_by_rule(found.user_id, found.own))


def holders_of(owners: Collection[str]) -> dict[str, Holder]:
    """Of many, without what is theirs by rule. However many they are, the questions are few."""
    read = {owner: each for owner in owners if (each := NoticeOwner.read(owner)) is not None}
    accounts = {each.user_id: owner for owner, each in read.items() if each.user_id is not None}
    addresses = {each.name: owner for owner, each in read.items() if each.kind is OwnerKind.ADDRESS}
    found = {
        owner: Holder(None, (each.name,), NOBODY, MapReach(foreign=Foreign.HIDE), watches=True)
        for owner, each in read.items()
        if each.kind is OwnerKind.WATCH
    }
    found |= {accounts[number]: holder for number, holder in _of_accounts(accounts)}
    return found | {addresses[address]: holder for address, holder in _of_addresses(addresses)}


def _of_accounts(numbers: Collection[int]) -> Iterator[tuple[int, Holder]]:
    people = {number: person for number, person in users_of(numbers).items() if person.roles - {Role.PUBLIC}}
    further = further_addresses(people)
    foreign = Foreign(current_app.config["FOREIGN_ENTRIES"])
    for number, person in people.items():
        own = tuple(dict.fromkeys([*([person.address] if person.address else []), *further.get(number, ())]))
        yield number, Holder(number, own, Scope(own), MapReach(number, own=Scope(own), foreign=foreign))


def _of_addresses(addresses: Collection[str]) -> Iterator[tuple[str, Holder]]:
    """An account that has taken an address meanwhile speaks for it: switched off, it takes the links with it."""
    rules = Rules({address.rpartition("@")[2] for address in addresses})
    told = [address for address in addresses if rules.nobody(address) is not None]
    accounts = accounts_of(told)
    active = users_of({number for numbers in accounts.values() for number in numbers}).keys()
    for address in told:
        if accounts.get(address, frozenset()) <= active:
            own = Scope((address,))
            yield address, Holder(None, (address,), own, MapReach(own=own, foreign=Foreign.HIDE))


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
