"""What of a mail may be put into which map with one click: by whoever looks at it, in the right form."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from functools import lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import and_, or_, select

from app.errors import NotAllowed
from app.extensions import db
from app.models import Mail, MailRecipient, Map, MapEntry
from app.models.maps import ALIVE
from app.queries.domains import aliases_for
from app.queries.map_reach import MapReach, map_reach_of
from app.queries.maps import all_maps
from app.queries.visibility import scope_of
from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_values import WrongValue, read_value
from app.rspamd.personal import names_of, sides_of

_MOST_RECIPIENTS = 10


@unique
class Why(StrEnum):
    """What of the mail it is."""

    SENDER = "sender"
    SENDER_DOMAIN = "sender_domain"
    HEADER_FROM = "from"
    HEADER_FROM_DOMAIN = "from_domain"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class Offer:
    map_name: str
    title: str
    colour: str
    kind: MapKind
    value: str
    """In its normal form."""
    why: Why
    rcpt: str = ""
    """Of a pair: for whom."""
    is_there: bool = False
    """It is in the map already, as far as the viewer sees that."""


_ADDRESSES = {MapKind.ADDRESS: (0,), MapKind.DOMAIN: (1,), MapKind.ADDRESS_OR_DOMAIN: (0, 1), MapKind.PAIR: (0, 1)}
"""Of the two sides of a sender those that such a map takes."""
_WHOLE = (Why.HEADER_FROM, Why.SENDER)
"""A sender's whole address, that which is seen first."""
_WHY = {MapPart.MAIL_FROM: (Why.SENDER, Why.SENDER_DOMAIN), MapPart.MIME_FROM: (Why.HEADER_FROM, Why.HEADER_FROM_DOMAIN)}


def offers_for(user: Any, mail: Mail) -> list[Offer]:
    """In the order of the maps. Whether this user may see the mail is asked before."""
    reach = map_reach_of(user)
    maps = [found for found in all_maps(reach) if found.enabled and reach.edits(found)]
    recipients = keys_of(_recipients(user, mail))
    offers = [(found, offer) for found in maps for offer in _of_map(reach, found, mail, recipients)]
    there = _there(reach, offers)
    return [replace(offer, is_there=(found.id, offer.value) in there) for found, offer in offers]


def sender_offers(user: Any, mail: Mail, addresses: Sequence[str]) -> list[Offer]:
    """To allow its sender for those of these addresses that are their own."""
    return personal_offers(map_reach_of(user), mail, addresses, "allow") if addresses else []


def personal_offers(reach: MapReach, mail: Mail, addresses: Sequence[str], colour: str) -> list[Offer]:
    """One pair for each of these addresses that is their own, of the sender that is seen where there is one."""
    own = _own_pairs(reach, personal_maps(reach, colour), mail, keys_of(addresses))
    there = _there(reach, own)
    nearest: dict[str, Offer] = {}
    for found, offer in sorted(own, key=lambda each: _WHOLE.index(each[1].why)):
        nearest.setdefault(offer.rcpt, replace(offer, is_there=(found.id, offer.value) in there))
    return list(nearest.values())


def personal_maps(reach: MapReach, colour: str) -> list[Map]:
    """In which they may list a sender for themselves."""
    return personal_among(reach, all_maps(reach), colour) if reach.own.addresses else []


def personal_among(reach: MapReach, maps: Iterable[Map], colour: str) -> list[Map]:
    """As personal_maps() has it, of those that are read already."""
    if not reach.own.addresses:
        return []
    return [found for found in maps if found.enabled and found.colour == colour and found.is_personal and reach.edits(found)]


Places = Collection[tuple[MapPart, str]]
"""By which part of a mail a sender is listed, and under which name for whom."""


def own_places(reach: MapReach, maps: Iterable[Map], keys: Sequence[str]) -> Places:
    """Where senders can be listed for the recipient that has these names. Asks nothing of the database."""
    parts = [(found, MapPart(found.part)) for found in maps if found.kind == MapKind.PAIR]
    named = {(part, rcpt) for found, part in parts if part in _WHY for rcpt in _rcpts(reach, found, (keys,))}
    return [(part, rcpt) for part, rcpt in named if rcpt in reach.own.addresses]


def takes_sender(places: Places, mail: Any) -> bool:
    """Whether its sender can be listed in one of them: a mail, or a row that has both its senders."""
    senders = ((rcpt, sides_of(mail.mail_from if part is MapPart.MAIL_FROM else mail.mime_from)) for part, rcpt in places)
    return any(_is_pair(sides[0], rcpt) for rcpt, sides in senders if sides)


@lru_cache(8192)
def _is_pair(sender: str, rcpt: str) -> bool:
    try:
        return read_value(MapKind.PAIR, f"{sender}|{rcpt}").rcpt == rcpt
    except WrongValue:
        return False


def _own_pairs(reach: MapReach, maps: Collection[Map], mail: Mail, recipients: Sequence[Sequence[str]]) -> list[tuple[Map, Offer]]:
    offers = [(found, offer) for found in maps for offer in _of_map(reach, found, mail, recipients) if offer.why in _WHOLE]
    return [(found, offer) for found, offer in offers if offer.rcpt in reach.own.addresses]


def _of_map(reach: MapReach, found: Map, mail: Mail, recipients: Sequence[Sequence[str]]) -> Iterator[Offer]:
    kind, part = MapKind(found.kind), MapPart(found.part)
    if part is MapPart.IP and mail.ip:
        candidates = [(mail.ip, Why.IP)]
    elif part in _WHY:
        sides = sides_of(mail.mail_from if part is MapPart.MAIL_FROM else mail.mime_from)
        candidates = [(sides[place], _WHY[part][place]) for place in _ADDRESSES.get(kind, ()) if sides]
    else:
        return
    for text, why in candidates:
        for rcpt in _rcpts(reach, found, recipients) if kind is MapKind.PAIR else ("",):
            value = _value(reach, found, f"{text}|{rcpt}" if rcpt else text)
            if value:
                yield Offer(found.name, found.title, found.colour, kind, value, why, rcpt)


def _value(reach: MapReach, found: Map, text: str) -> str | None:
    """None for what such a map does not take, or not from them."""
    try:
        value = read_value(MapKind(found.kind), text)
        reach.must_add(found, value.rcpt)
    except (WrongValue, NotAllowed):
        return None
    return value.text


def keys_of(recipients: Sequence[str]) -> list[list[str]]:
    """By recipient the names that lists may have for it, the nearest first."""
    aliases, plus = aliases_for(address.rpartition("@")[2] for address in recipients), current_app.config["PLUS_ADDRESSING"]
    return [[name.key for name in names_of(address, plus, aliases).addresses] for address in recipients]


def _rcpts(reach: MapReach, found: Map, recipients: Sequence[Sequence[str]]) -> list[str]:
    """As they stand in lists, each the nearest name that is theirs to list: bob@domain for mail to bob+tag@alias."""
    nearest = (next((key for key in keys if _may_add(reach, found, key)), None) for keys in recipients)
    return list(dict.fromkeys(key for key in nearest if key))


def _may_add(reach: MapReach, found: Map, rcpt: str) -> bool:
    try:
        reach.must_add(found, rcpt)
    except NotAllowed:
        return False
    return True


def _recipients(user: Any, mail: Mail) -> list[str]:
    """Only those whom the viewer may know of."""
    query = select(MailRecipient.address).where(MailRecipient.mail_id == mail.id, scope_of(user).recipient())
    return list(db.session.scalars(query.order_by(MailRecipient.position).limit(_MOST_RECIPIENTS)))


def _there(reach: MapReach, offers: Sequence[tuple[Map, Offer]]) -> set[tuple[int, str]]:
    if not offers:
        return set()
    maps = {found.id: found for found, _offer in offers}
    seen = or_(*(and_(MapEntry.map_id == found.id, reach.condition(found)) for found in maps.values()))
    values = {offer.value for _found, offer in offers}
    query = select(MapEntry.map_id, MapEntry.value).where(
        MapEntry.map_id.in_(maps), MapEntry.value.in_(values), MapEntry.until == ALIVE, seen
    )
    return {(row.map_id, row.value) for row in db.session.execute(query)}
