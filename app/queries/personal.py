"""Personal lists: what is in them about these senders and recipients, and which mails they hold back or let through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Select, and_, bindparam, exists, func, or_, select

from app.clock import stored_now
from app.extensions import db
from app.models import CopyState, DomainAlias, Mail, MailRecipient, Map, MapEntry, ReleaseState
from app.models.maps import ALIVE
from app.queries.accounts import accounts_by
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.maps import counts_at
from app.queries.pieces import pieces
from app.queries.plan import Bounds
from app.queries.scope import Scope
from app.rspamd.actions import Action
from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.personal import PairMap, Wish, names_of, pairs_of, senders_of, theirs

_MOST_ALIASES = 10_000
_NOT_DELIVERED = (Action.REJECT, Action.DISCARD, Action.QUARANTINE)


def pair_maps(connection: Connection, seconds: float) -> dict[int, PairMap]:
    """By id: maps of pairs that allow or block, and have an entry."""
    has_entries = exists().where(MapEntry.map_id == Map.id, MapEntry.until == ALIVE)
    query = select(Map.id, Map.part, Map.colour, Map.needs_proof).where(
        Map.kind == MapKind.PAIR, Map.enabled.is_(True), Map.colour.in_(list(Wish)), has_entries
    )
    found = fetch(connection, query, seconds)
    return {row.id: PairMap(row.id, MapPart(row.part), Wish(row.colour), row.needs_proof) for row in found}


def alias_domains(connection: Connection, seconds: float) -> dict[str, str]:
    """By alias, the domain."""
    query = select(DomainAlias.alias, DomainAlias.domain).limit(_MOST_ALIASES)
    return {row.alias: row.domain for row in fetch(connection, query, seconds)}


def _about() -> Select[tuple[int, str]]:
    """Made once: each batch of mails asks it."""
    now: Any = bindparam("now", type_=DateTime)
    maps, among = MapEntry.map_id.in_(bindparam("maps", expanding=True)), MapEntry.value.in_(bindparam("among", expanding=True))
    query = select(MapEntry.map_id, MapEntry.value).where(maps, among, MapEntry.until == ALIVE, counts_at(now))
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(MapEntry, "FORCE INDEX (ux_map_entry_value)", dialect)
    return query


_ABOUT = _about()


def entries_about(
    connection: Connection, maps: Mapping[int, PairMap], values: Collection[str], deadline: Deadline
) -> dict[str, list[PairMap]]:
    """Which of these pairs stand in which of the maps. Asked for by the whole value: of one domain there may be a hundred thousand."""
    found: dict[str, list[PairMap]] = {}
    for piece in pieces(values):
        if deadline.is_over:
            raise TooSlow
        asked = {"maps": list(maps), "among": piece, "now": stored_now()}
        for map_id, value in fetch(connection, _ABOUT, deadline.left(), asked):
            found.setdefault(value, []).append(maps[map_id])
    return found


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry, and the name of the map that it stands in."""

    map_name: str
    value: str


def allowing_pair(mail: Mail, address: str, plus: str, deadline: Deadline) -> Pair | None:
    """The nearest entry there is now that allows it for this recipient; none where it was taken out of the list meanwhile."""
    connection = db.session.connection()
    maps = {number: each for number, each in pair_maps(connection, deadline.left()).items() if each.wish is Wish.ALLOW}
    senders = senders_of(mail.mail_from, mail.mime_from)
    names = names_of(address, plus, alias_domains(connection, deadline.left()))
    names = theirs(names, accounts_by(connection, names.owned, deadline))
    values = [value for place in (0, 1) for value in pairs_of((sides[place : place + 1] for sides in senders.values()), names)]
    hits = entries_about(connection, maps, values, deadline) if maps else {}
    for value in values:
        for found in hits.get(value, ()):
            if value.partition("|")[0] in senders.get(found.part, ()):
                name = db.session.scalar(select(Map.name).where(Map.id == found.id))
                return Pair(str(name), value)
    return None


# --- what came of it ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Allowed:
    """A mail that personal lists let through, and for whom."""

    mail_id: int
    addresses: tuple[str, ...]


def wishes_of(mail_id: int) -> dict[str, str | None]:
    """By recipient, what their list says: "allow", "deny" or nothing."""
    query = select(MailRecipient.address, MailRecipient.personal).where(MailRecipient.mail_id == mail_id).order_by(MailRecipient.position)
    return {row.address: row.personal for row in db.session.execute(query)}


def own_wish(scope: Scope) -> ColumnElement[str | None]:
    """Of a row of mail: what the lists of those recipients say; of two, that it is blocked."""
    query = select(func.max(MailRecipient.personal)).where(MailRecipient.mail_id == Mail.id, scope.recipient())
    return query.correlate(Mail).scalar_subquery()


def held() -> ColumnElement[bool]:
    """Of a row of mail_recipient: their own list blocks it. No notice tells them of it, and a release of many mails leaves them out."""
    return MailRecipient.personal == Wish.DENY


def held_for(scope: Scope) -> ColumnElement[bool]:
    """Of a row of mail: each of these recipients that it has blocks it, so there is nobody among them whom it should reach."""
    theirs = (MailRecipient.mail_id == Mail.id, scope.recipient())
    others = or_(MailRecipient.personal.is_(None), MailRecipient.personal != Wish.DENY)
    return and_(exists().where(*theirs, held()), ~exists().where(*theirs, others))


def count_held(scope: Scope, bounds: Bounds, cap: int, seconds: float) -> int | None:
    """Stored mails that are held for all of these recipients, never more than cap + 1. None where time ran out."""
    blocked = (
        select(MailRecipient.mail_id).where(scope.recipient(), held(), *bounds.conditions(MailRecipient.mail_id)).distinct().subquery()
    )
    query = select(Mail.id).join(blocked, blocked.c.mail_id == Mail.id).where(Mail.copy_state == CopyState.STORED, held_for(scope))
    with db.engine.connect() as connection:
        try:
            return int(fetch(connection, select(func.count()).select_from(query.limit(cap + 1).subquery()), seconds)[0][0])
        except TooSlow:
            return None


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the log, looked through for mails to release."""

    mails: list[Allowed]
    upto: int
    """The id of the last mail that was looked at."""
    is_last: bool
    """There is nothing above it yet."""


def to_release(after: int, *, most: int = 100, size: int = 2000, seconds: float = 1.5) -> Piece:
    """Mails above that id, oldest first, that were kept from somebody whose list allows them: stored, not delivered, not released, and
    without a virus. Nearly all that lists allow was delivered, so `size` of those are looked at and no more. TooSlow where the database
    gave up. A replayed mail keeps its old id, so go back some days now and then."""
    allowed = (MailRecipient.personal == Wish.ALLOW, MailRecipient.mail_id > after)
    coming = _by_list(select(MailRecipient.mail_id).where(*allowed).order_by(MailRecipient.mail_id).limit(size)).subquery()
    deadline = Deadline(seconds)
    with db.engine.connect() as connection:
        (count, end) = fetch(connection, select(func.count(), func.max(coming.c.mail_id)), deadline.left())[0]
        if not count:
            return Piece([], after, is_last=True)
        mail = (
            Mail.copy_state == CopyState.STORED,
            Mail.release_state == ReleaseState.NONE,
            Mail.has_virus.is_(False),
            Mail.action.in_(_NOT_DELIVERED),
        )
        kept = select(MailRecipient.mail_id).join(Mail, Mail.id == MailRecipient.mail_id)
        ids = _by_list(kept.where(*allowed, MailRecipient.mail_id <= end, *mail).distinct().order_by(MailRecipient.mail_id).limit(most))
        found = [row[0] for row in fetch(connection, ids, deadline.left())]
        who = select(MailRecipient.mail_id, MailRecipient.address).where(
            MailRecipient.mail_id.in_(found), MailRecipient.personal == Wish.ALLOW
        )
        rows = fetch(connection, who.order_by(MailRecipient.mail_id, MailRecipient.position), deadline.left()) if found else []
    by_mail: dict[int, list[str]] = {mail_id: [] for mail_id in found}
    for mail_id, address in rows:
        by_mail[mail_id].append(address)
    mails = [Allowed(mail_id, tuple(addresses)) for mail_id, addresses in by_mail.items()]
    is_full = len(found) == most
    return Piece(mails, found[-1] if is_full else end, is_last=not is_full and count < size)


def _by_list(query: Select[Any]) -> Select[Any]:
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(MailRecipient, "FORCE INDEX (ix_mail_recipient_personal)", dialect)
    return query
