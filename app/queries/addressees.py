"""Who is told by letter of mail that came to an address: the accounts whose it is, else the address itself, and who watches its domain."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.mime.addresses import base_of
from app.models import NoticeDomain, NoticeOwner, OwnerKind
from app.models.notice import NEVER
from app.queries.accounts import accounts_of
from app.queries.domains import aliases_for
from app.queries.matching import contains_any_case
from app.queries.notice_people import Person, users_of
from app.queries.notice_refusals import plain_form, refused_among
from app.queries.pieces import pieces
from app.roles import Role

WATCHED_AT = "daily at 07:00"
"""Where a domain names no times for its watchers."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whoever gets letters."""

    owner: str
    user_id: int | None
    address: str
    """Where the letter goes."""
    language: str
    zone: str
    times: str
    domain: str = ""
    """Whose rules count: of the address that the mail came to."""

    @property
    def is_watcher(self) -> bool:
        return NoticeOwner.is_of(OwnerKind.WATCH, self.owner)


def addressees_of(owners: Mapping[str, str]) -> dict[str, Addressee]:
    """Each with the address that its mail came to, which says by which domain's rules; nothing: their main one. Left out is who is no
    longer there, or wants none."""
    read = {owner: each for owner in owners if (each := NoticeOwner.read(owner)) is not None}
    people = users_of({each.user_id for each in read.values() if each.user_id is not None})
    singles = {each.name for each in read.values() if each.kind is OwnerKind.ADDRESS}
    refused = refused_among(singles)
    came_to = {owner: owners[owner] or people[each.user_id].address for owner, each in read.items() if each.user_id in people}
    rules = Rules({address.rpartition("@")[2] for address in (*singles, *came_to.values())})
    found: dict[str, Addressee | None] = {}
    for owner, each in read.items():
        if each.kind is OwnerKind.WATCH:
            found[owner] = _watcher(each.name, owners[owner].rpartition("@")[2])
        elif each.user_id in people:
            found[owner] = rules.person(people[each.user_id], came_to[owner].rpartition("@")[2])
        elif each.name in singles - refused:
            found[owner] = rules.nobody(each.name)
    return {owner: each for owner, each in found.items() if each is not None and each.times != NEVER}


def owners_of(addresses: Collection[str]) -> dict[str, tuple[Addressee, ...]]:
    """Of each address whoever is told of mail to it: every account whose it is, exactly as queries/reached has it; or the address itself,
    where it is nobody's. Addresses of which nobody wants a letter are left out."""
    forms, mains = _forms_of(addresses)
    own = accounts_of({form for each in forms.values() for form in each.all})
    people = users_of({number for numbers in own.values() for number in numbers})
    rules = Rules({address.rpartition("@")[2] for address in addresses}, mains)
    strays = {address: form.plain for address, form in forms.items() if not form.accounts(own)}
    refused = refused_among(strays.values())
    found: dict[str, tuple[Addressee, ...]] = {}
    for address, form in forms.items():
        numbers, domain = form.accounts(own), address.rpartition("@")[2]
        told = [rules.person(people[number], domain) for number in sorted(numbers) if number in people]
        if address in strays and strays[address] not in refused:
            told = [rules.nobody(strays[address])]
        if wanted := tuple(each for each in told if each is not None and each.times != NEVER):
            found[address] = wanted
    return found


def watchers_of(domains: Collection[str]) -> dict[str, tuple[Addressee, ...]]:
    """By domain; mail to an alias is mail to the domain that it stands for."""
    rules = Rules(domains)
    return {domain: found for domain in domains if (found := tuple(rules.watchers(domain)))}


def still_told(came_to: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """By owner, of the addresses that mail for them came to, those of which they would be told today: an address may be somebody else's by
    now, and a domain may say otherwise. An account that has taken an address meanwhile may want none."""
    every = {address for addresses in came_to.values() for address in addresses}
    told, watched = owners_of(every), watchers_of({address.rpartition("@")[2] for address in every})
    found: dict[str, set[str]] = {}
    for owner, addresses in came_to.items():
        of_address = ((address, (*told.get(address, ()), *watched.get(address.rpartition("@")[2], ()))) for address in addresses)
        is_address = NoticeOwner.is_of(OwnerKind.ADDRESS, owner)
        found[owner] = {address for address, each in of_address if owner in {one.owner for one in each} or (is_address and address in told)}
    return found


def site_language() -> str:
    return str(current_app.config["BABEL_DEFAULT_LOCALE"])


def site_zone() -> str:
    """In which the site's times of day are meant."""
    return str(current_app.config["JOBS_ZONE"])


class Rules:
    """What holds in some domains: each rule is that of the domain itself, or of the one that it is another name of."""

    def __init__(self, domains: Collection[str], mains: Mapping[str, str] | None = None) -> None:
        self._mains = aliases_for(domains) if mains is None else mains
        self._rows: dict[str, Any] = {}
        columns = (NoticeDomain.domain, NoticeDomain.times, NoticeDomain.everybody, NoticeDomain.language)
        for piece in pieces({*domains, *self._mains.values()}):
            query = select(*columns, NoticeDomain.watchers, NoticeDomain.watch_times).where(NoticeDomain.domain.in_(piece))
            self._rows |= {row.domain: row for row in db.session.execute(query)}

    def _of(self, domain: str) -> list[Any]:
        return [self._rows[each] for each in (domain, self._mains.get(domain)) if each in self._rows]

    def _first(self, domain: str, name: str) -> str:
        return next((str(text) for row in self._of(domain) if (text := getattr(row, name))), "")

    def language(self, domain: str) -> str:
        return self._first(domain, "language") or site_language()

    def person(self, person: Person, domain: str) -> Addressee | None:
        """None: there is no address that a letter could go to, or no role in which they could do anything."""
        refuses = NEVER if person.refuses else ""
        times = person.times or refuses or self._first(domain, "times") or _by_role(person.roles)
        if "@" not in person.address or not person.roles - {Role.PUBLIC}:
            return None
        language, zone = person.language or self.language(domain), person.zone or site_zone()
        return Addressee(OwnerKind.USER.of(person.id), person.id, person.address, language, zone, times, domain)

    def nobody(self, address: str) -> Addressee | None:
        """An address without an account, where its domain wants all to be told."""
        domain = address.rpartition("@")[2]
        if not any(row.everybody for row in self._of(domain)[:1]):
            return None
        times = self._first(domain, "times") or usual_of_recipients()
        return Addressee(OwnerKind.ADDRESS.of(address), None, address, self.language(domain), site_zone(), times, domain)

    def watchers(self, domain: str) -> Iterator[Addressee]:
        for row in self._of(domain):
            for address in watchers_in(row.watchers):
                times = row.watch_times or WATCHED_AT
                if times != NEVER:
                    owner, language = OwnerKind.WATCH.of(address), row.language or site_language()
                    yield Addressee(owner, None, address, language, site_zone(), times, row.domain)


def watchers_in(text: str) -> list[str]:
    return [word for line in text.splitlines() if (word := line.strip().lower())]


def _watcher(address: str, domain: str) -> Addressee | None:
    """None where no domain names it any more. Of several the one that its mail came to counts, else the first."""
    named = select(NoticeDomain.domain).where(contains_any_case(NoticeDomain.watchers, address))
    rows = db.session.scalars(named.order_by(NoticeDomain.domain))
    domains = sorted(rows, key=lambda each: each != domain)
    rules = Rules(domains, {})
    found = (each for name in domains for each in rules.watchers(name) if each.address == address)
    return next(found, None)


def usual_of_recipients() -> str:
    """What the site says for who is nothing else, and for addresses without an account."""
    return _by_role((Role.RECIPIENT.value,))


def _by_role(roles: Collection[str]) -> str:
    return next((times for role, times in current_app.config["NOTICE_TIMES"] if role in roles), NEVER)


# --- whose an address is ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Forms:
    """bob+tag@alias, and what it may be by rule."""

    itself: str
    near: tuple[str, ...]
    """bob+tag@domain and bob@alias."""
    far: tuple[str, ...]
    """bob@domain; where nothing is between, there is no such."""
    plain: str
    """Without tag and alias: of addresses without an account, the one that stands for all."""

    @property
    def all(self) -> tuple[str, ...]:
        return (self.itself, *self.near, *self.far)

    def accounts(self, own: Mapping[str, frozenset[int]]) -> frozenset[int]:
        """What somebody has as their own is nobody else's by rule, and the nearest rule counts."""
        for step in ((self.itself,), self.near, self.far):
            found = frozenset(number for form in step for number in own.get(form, ()))
            if found:
                return found
        return frozenset()


def _forms_of(addresses: Collection[str]) -> tuple[dict[str, _Forms], dict[str, str]]:
    """And the domains that those of aliases stand for."""
    plus, mains = str(current_app.config["PLUS_ADDRESSING"]), aliases_for(address.rpartition("@")[2] for address in addresses)
    found: dict[str, _Forms] = {}
    for address in addresses:
        base, main = base_of(address, plus), mains.get(address.rpartition("@")[2])
        in_main = [f"{each.rpartition('@')[0]}@{main}" for each in (address, base) if each] if main else []
        near = (*in_main[:1], *([base] if base else []))
        found[address] = _Forms(address, near, tuple(in_main[1:]), plain_form(address, plus, mains))
    return found, mains
