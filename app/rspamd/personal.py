"""What personal lists say of a mail, for each recipient by itself: the nearest pair that counts, and of two as near the one that blocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import lru_cache

from app.mime.addresses import base_of
from app.rspamd.map_covers import keys_of
from app.rspamd.map_kinds import MapKind, MapPart


@unique
class Wish(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class PairMap:
    """Of a map of pairs what has to be known of it."""

    id: int
    part: MapPart
    wish: Wish
    needs_proof: bool


@dataclass(frozen=True, slots=True)
class Name:
    address: str
    whose: str
    """The address that it is taken for in lists: without a tag, say."""
    key: str
    """Under which it stands there."""


@dataclass(frozen=True, slots=True)
class Names:
    """Under which a recipient may stand in a list, the nearest first."""

    addresses: tuple[Name, ...]
    domains: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return (*dict.fromkeys(name.key for name in self.addresses), *self.domains)

    @property
    def owned(self) -> set[str]:
        """Addresses of which it matters whose they are."""
        found = {each for name in self.addresses for each in (name.address, name.whose)}
        return found if len(found) > 1 else set()


Senders = Mapping[MapPart, tuple[str, ...]]
"""Of each part the address and its domain; nothing where there is no sender."""


def senders_of(mail_from: str, mime_from: str) -> Senders:
    return {MapPart.MAIL_FROM: sides_of(mail_from), MapPart.MIME_FROM: sides_of(mime_from)}


@lru_cache(maxsize=8192)
def sides_of(address: str) -> tuple[str, ...]:
    """In the form of the lists: the address, and its domain."""
    if "<" in address or ">" in address:  # would be read as a name with an address
        return ()
    sides = keys_of(MapKind.ADDRESS_OR_DOMAIN, address)
    return sides if len(sides) == 2 else ()


def names_of(address: str, plus: str, aliases: Mapping[str, str]) -> Names:
    """bob+tag@alias is bob+tag@domain's, bob@alias's and bob@domain's too; and all of these are their domains'."""
    base = base_of(address, plus)
    forms = [form for each in (address, base) if each for form in (each, _without_alias(each, aliases)) if form]
    found = [(form, sides) for form in forms if (sides := sides_of(form))]
    return Names(tuple(_name(form, sides[0]) for form, sides in found), tuple(dict.fromkeys(sides[1] for _form, sides in found)))


def _name(address: str, key: str) -> Name:
    same = address.rpartition("@")[0] == key.rpartition("@")[0]
    return Name(address, address if same else key, key)


def _without_alias(address: str, aliases: Mapping[str, str]) -> str | None:
    local, _at, domain = address.rpartition("@")
    return f"{local}@{aliases[domain]}" if domain in aliases else None


def theirs(names: Names, owners: Mapping[str, frozenset[int]]) -> Names:
    """Without what is only by rule: an address that is somebody's own is nobody else's because of its tag or its alias."""
    kept: list[Name] = []
    taken = [owners[name.address] for name in names.addresses if name.address != name.whose and name.address in owners]
    for name in names.addresses:
        own = owners.get(name.whose, frozenset())
        if all(each & own for each in taken):
            kept.append(name)
        if own:
            taken.append(own)
    return Names(tuple(kept), names.domains)


def pairs_of(senders: Iterable[tuple[str, ...]], names: Names) -> Iterator[str]:
    """All under which an entry about them may stand."""
    for sides in senders:
        for sender in sides:
            for rcpt in names.keys:
                yield f"{sender}|{rcpt}"


def wish_of(senders: Senders, names: Names, hits: Mapping[str, Sequence[PairMap]], proven: frozenset[MapPart]) -> Wish | None:
    """The sender's address counts before its domain; then the recipient's address before what it is by rule, and that before its domain."""
    for place in (0, 1):
        for rcpt in names.keys:
            said = {
                found.wish
                for part, sides in senders.items()
                if sides
                for found in hits.get(f"{sides[place]}|{rcpt}", ())
                if found.part is part and (part in proven or not found.needs_proof)
            }
            if said:
                return Wish.DENY if Wish.DENY in said else Wish.ALLOW
    return None
