"""What mails come to, summed up by the database: of an hour, a few minutes at a time, or of some mails."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, union

from app.extensions import db
from app.ids import TIME_SHIFT, first_id_of_hour, id_hour
from app.models import CopyState, Counted, CountState, DomainAlias, LateMail, Mail, MailDetail, MailRecipient, UserDomain

_AT_ONCE = 10_000
"""Recipients, and mails: a mail has very many of them at times."""
_LATE_AT_ONCE = 500
_LATE_RECIPIENTS = 5000
_LOOKED_AT = 300
"""Of so many mails of a slice it is looked how long they took: that stands in their wide rows."""
_IDS = 500
_MOST_NAMES = 20_000
Key = tuple[str, str, str, str, str]
"""Kind, name, node, action, direction."""
Within = Callable[[Any], Sequence[ColumnElement[bool]]]
"""Which mails are meant, as conditions on a column of their ids."""


@dataclass(slots=True)
class Sum:
    mails: int = 0
    bytes: int = 0
    stored: int = 0
    viruses: int = 0
    scanned: int = 0
    scan_ms: float = 0.0

    def add(self, other: "Sum") -> None:
        self.mails += other.mails
        self.bytes += other.bytes
        self.stored += other.stored
        self.viruses += other.viruses
        self.scanned += other.scanned
        self.scan_ms += other.scan_ms


Sums = dict[Key, Sum]


def state() -> CountState:
    found = db.session.get(CountState, 1, populate_existing=True)
    if found is None:
        raise LookupError("count_state has lost its row")
    return found


def slices_of(hour: int) -> Iterator[tuple[int, int]]:
    """Such that the database can sort each in its memory, also where all came in one instant, or to very many."""
    low, end = first_id_of_hour(hour), first_id_of_hour(hour + 1)
    while True:
        page = db.session.execute(
            select(Mail.id, Mail.rcpt_count).where(Mail.id >= low, Mail.id < end).order_by(Mail.id).limit(_AT_ONCE)
        ).all()
        weight = 0
        for mail_id, recipients in page:
            if weight and weight + recipients > _AT_ONCE:
                yield low, mail_id
                low, weight = mail_id, 0
            weight += max(1, recipients)
        if len(page) < _AT_ONCE:
            yield low, end
            return
        yield low, page[-1].id + 1
        low = page[-1].id + 1


def sums_between(low: int, high: int) -> Sums:
    return _sums(lambda column: (column >= low, column < high))


def sums_of(ids: Sequence[int]) -> Sums:
    """Of a few hundred."""
    return _sums(lambda column: (column.in_(ids),))


def merge(into: Sums, more: Sums) -> None:
    for key, found in more.items():
        into.setdefault(key, Sum()).add(found)


def with_few_names(sums: Sums, told: Collection[str], most: int = _MOST_NAMES, there: Collection[tuple[str, str]] = ()) -> Sums:
    """Of each kind those that are `told`, or `there` already, and the busiest of the others; what is left is one sum without a name."""
    mails: Counter[tuple[str, str]] = Counter()
    for (kind, name, *_rest), found in sums.items():
        if kind != Counted.ALL and name and name not in told and (kind, name) not in there:
            mails[kind, name] += found.mails
    lost: set[tuple[str, str]] = set()
    for kind in {kind for kind, _name in mails}:
        room = max(0, most - sum(each[0] == kind and bool(each[1]) and each[1] not in told for each in there))
        ours = sorted((each for each in mails if each[0] == kind), key=lambda each: (-mails[each], each))
        lost.update(ours[room:])
    if not lost:
        return sums
    kept: Sums = {}
    for (kind, name, *rest), found in sums.items():
        node, action, direction = rest
        key = (kind, "" if (kind, name) in lost else name, node, action, direction)
        kept.setdefault(key, Sum()).add(found)
    return kept


def told_domains() -> frozenset[str]:
    """Those that somebody here looks after, and their other names: they are told apart however few mails they get."""
    return frozenset(db.session.scalars(union(select(UserDomain.domain), select(DomainAlias.domain), select(DomainAlias.alias))))


def newest_hour(before: int | None = None) -> int | None:
    """Of all hours, or all earlier ones, the latest in which mails came."""
    query = select(func.max(Mail.id))
    found = db.session.scalar(query if before is None else query.where(Mail.id < first_id_of_hour(before)))
    return None if found is None else id_hour(found)


def next_hour(since: int, before: int) -> int | None:
    """Likewise the first one."""
    within = (Mail.id >= first_id_of_hour(since), Mail.id < first_id_of_hour(before))
    found = db.session.scalar(select(func.min(Mail.id)).where(*within))
    return None if found is None else id_hour(found)


def oldest_id() -> int | None:
    return db.session.scalar(select(func.min(Mail.id)))


def late_between(since: int, before: int) -> int:
    """How many, of the hours from the one to before the other."""
    within = (LateMail.mail_id >= first_id_of_hour(since), LateMail.mail_id < first_id_of_hour(before))
    return db.session.scalar(select(func.count()).select_from(LateMail).where(*within)) or 0


def late_of_one_hour(since: int, before: int) -> Sequence[int]:
    """Some of the first hour that has any: one at least, and no more when they have many recipients. Their mails may have gone."""
    within = (LateMail.mail_id >= first_id_of_hour(since), LateMail.mail_id < first_id_of_hour(before))
    query = select(LateMail.mail_id, func.coalesce(Mail.rcpt_count, 0)).join_from(LateMail, Mail, Mail.id == LateMail.mail_id, isouter=True)
    ids: list[int] = []
    left = _LATE_RECIPIENTS
    for mail_id, recipients in db.session.execute(query.where(*within).order_by(LateMail.mail_id).limit(_LATE_AT_ONCE)):
        left -= recipients
        if ids and (left < 0 or id_hour(mail_id) != id_hour(ids[0])):
            break
        ids.append(mail_id)
    return ids


# --- the sums themselves ------------------------------------------------------------------------------------------------------

_GROUP = (Mail.node, Mail.action, Mail.direction)
_SUMS = (
    func.count(),
    func.sum(Mail.size),
    func.sum(case((Mail.copy_state != CopyState.NONE.value, 1), else_=0)),
    func.sum(case((Mail.has_virus.is_(True), 1), else_=0)),
)


def _sums(within: Within) -> Sums:
    found: Sums = {}
    sender, virus = Mail.mail_from_domain, MailDetail.virus
    _collect(found, Counted.FROM, select(sender, *_GROUP, *_SUMS).where(*within(Mail.id)).group_by(sender, *_GROUP))
    for (_kind, _name, *rest), each in list(found.items()):
        found.setdefault((Counted.ALL.value, "", rest[0], rest[1], rest[2]), Sum()).add(each)
    pairs = select(MailRecipient.mail_id, MailRecipient.domain).where(*within(MailRecipient.mail_id)).distinct().subquery()
    to = select(pairs.c.domain, *_GROUP, *_SUMS).join_from(pairs, Mail, Mail.id == pairs.c.mail_id)
    _collect(found, Counted.TO, to.group_by(pairs.c.domain, *_GROUP))
    if any(each.viruses for each in found.values()):
        viruses = select(virus, *_GROUP, *_SUMS).join_from(Mail, MailDetail, MailDetail.mail_id == Mail.id)
        _collect(found, Counted.VIRUS, viruses.where(*within(Mail.id), Mail.has_virus.is_(True)).group_by(virus, *_GROUP))
    _add_times(found, within, sum(each.mails for key, each in found.items() if key[0] == Counted.ALL))
    return found


def _collect(found: Sums, kind: Counted, query: Select[Any]) -> None:
    """MariaDB takes words that differ in blanks at their end for one, now by the one and now by the other."""
    for name, node, action, direction, mails, size, stored, viruses in db.session.execute(query):
        key = (kind.value, name.rstrip(" "), node.rstrip(" "), action.rstrip(" "), direction)
        found.setdefault(key, Sum()).add(Sum(mails, int(size), int(stored), int(viruses)))


def _add_times(found: Sums, within: Within, mails: int) -> None:
    """Of all mails, or of those of some milliseconds where there are many."""
    step = max(1, mails // _LOOKED_AT)
    chosen = select(Mail.id, *_GROUP).where(*within(Mail.id))
    if step > 1:
        chosen = chosen.where(Mail.id.bitwise_rshift(TIME_SHIFT) % step == 0).limit(4 * _LOOKED_AT)
    rows = db.session.execute(chosen).all()
    for at in range(0, len(rows), _IDS):
        piece = rows[at : at + _IDS]
        ids = [row.id for row in piece]
        times = select(MailDetail.mail_id, MailDetail.scan_ms).where(MailDetail.mail_id.in_(ids), MailDetail.scan_ms.is_not(None))
        took = {row.mail_id: row.scan_ms for row in db.session.execute(times)}
        domains: dict[int, set[str]] = {}
        for mail_id, domain in db.session.execute(
            select(MailRecipient.mail_id, MailRecipient.domain).where(MailRecipient.mail_id.in_(took))
        ):
            domains.setdefault(mail_id, set()).add(domain.rstrip(" "))
        for row in (row for row in piece if row.id in took):
            what = (row.node.rstrip(" "), row.action.rstrip(" "), row.direction)
            keys = [(Counted.ALL.value, "", *what), *((Counted.TO.value, domain, *what) for domain in domains.get(row.id, ()))]
            for key in keys:
                if key in found:
                    found[key].add(Sum(scanned=1, scan_ms=took[row.id]))
