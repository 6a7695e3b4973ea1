"""What the links of letters offer: of as many letters as are written at once, with few questions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select

from app.extensions import db
from app.models import CopyState, Mail
from app.queries.map_offers import Places, keys_of, own_places, personal_among, takes_sender
from app.queries.map_reach import EVERYTHING
from app.queries.maps import all_maps
from app.queries.notice_links import Holder, LinkAct, holders_of
from app.queries.pieces import pieces


class Told(Protocol):
    """A line of a letter."""

    @property
    def mail_id(self) -> int: ...
    @property
    def address(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Kept:
    """Of a mail, what decides what may be done with it."""

    action: str
    score: float
    has_virus: bool
    mail_from: str
    mime_from: str
    is_stored: bool


Offered = Mapping[int, Collection[LinkAct]]
"""By mail."""


def acts_for(told: Mapping[str, Sequence[Told]], *, releases: bool) -> dict[str, dict[int, frozenset[LinkAct]]]:
    """By owner and mail. `releases`: whether anything can be released here at all."""
    holders = holders_of(told)
    theirs = {owner: lines for owner, lines in told.items() if owner in holders and not holders[owner].watches}
    mails = _mails({line.mail_id for lines in theirs.values() for line in lines})
    addresses = list({line.address for lines in theirs.values() for line in lines})
    keys = dict(zip(addresses, keys_of(addresses), strict=True)) if addresses else {}
    maps = all_maps(EVERYTHING) if theirs else []
    found: dict[str, dict[int, frozenset[LinkAct]]] = {}
    for owner, lines in told.items():
        found[owner] = dict.fromkeys((line.mail_id for line in lines), frozenset())
        holder = holders.get(owner)
        if holder is not None and holder.watches:
            found[owner] = dict.fromkeys(found[owner], frozenset({LinkAct.OPEN}))
        elif holder is not None:
            lists = [personal_among(holder.reach, maps, colour) for colour in ("allow", "deny")]
            places = {each: [own_places(holder.reach, few, keys[each]) for few in lists] for each in {line.address for line in lines}}
            there = ((line.address, line.mail_id, mails[line.mail_id]) for line in lines if line.mail_id in mails)
            found[owner] |= {number: _acts(holder, mail, address, *places[address], releases=releases) for address, number, mail in there}
    return found


def _acts(holder: Holder, mail: Any, address: str, allow: Places, deny: Places, *, releases: bool) -> frozenset[LinkAct]:
    acts = set[LinkAct]()
    may_release = releases and holder.may_release(mail)
    if may_release:
        acts.add(LinkAct.RELEASE)
        if takes_sender(allow, mail):
            acts.add(LinkAct.ALLOW)
    if takes_sender(deny, mail):
        acts.add(LinkAct.BLOCK)
    if holder.asking(address).addresses and (may_release or (releases and mail.is_stored)):
        acts.add(LinkAct.REPORT)
    if holder.user_id is not None:
        acts.add(LinkAct.OPEN)
    return frozenset(acts)


def _mails(ids: Collection[int]) -> dict[int, _Kept]:
    columns = (Mail.id, Mail.action, Mail.score, Mail.has_virus, Mail.mail_from, Mail.mime_from, Mail.copy_state)
    found: dict[int, _Kept] = {}
    for piece in pieces(ids):
        for row in db.session.execute(select(*columns).where(Mail.id.in_(piece))):
            found[row.id] = _Kept(row.action, row.score, row.has_virus, row.mail_from, row.mime_from, row.copy_state == CopyState.STORED)
    return found
