"""Letters that tell of kept mail: whose lines wait, which letter's turn it is, and what one has still to tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, literal_column, or_, select

from app.extensions import db
from app.ids import id_time
from app.models import CopyState, Mail, MailRecipient, Notice, NoticeDue, NoticeLine, NoticeState, NoticeStep, Release, Step

_ON_THE_WAY = (Step.WAITING, Step.SENDING, Step.SENT, Step.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Line:
    """One mail in a letter."""

    mail_id: int
    received_at: datetime
    """UTC."""
    sender: str
    subject: str
    action: str
    score: float
    size: int
    has_virus: bool
    address: str
    """Theirs that it came to: of others they learn nothing."""


def lines_of(notice_id: int, limit: int, without: Collection[str] = ()) -> list[Line]:
    """The newest first, as far as there is still something to be told: not of mails that are gone, whose copy is gone, or that were
    released to that address already. `without`: nor of what came to these addresses."""
    query = _lines().where(NoticeLine.notice_id == notice_id)
    if without:
        query = query.where(NoticeLine.address.not_in(without))
    return [_line(*row[1:]) for row in db.session.execute(query.order_by(NoticeLine.mail_id.desc()).limit(limit))]


def lines_of_all(ids: Collection[int]) -> dict[int, list[Line]]:
    """By letter, as lines_of() has them: of some that have few each."""
    found: dict[int, list[Line]] = {}
    for row in db.session.execute(_lines().where(NoticeLine.notice_id.in_(ids)).order_by(NoticeLine.notice_id, NoticeLine.mail_id.desc())):
        found.setdefault(row[0], []).append(_line(*row[1:]))
    return found


def _lines() -> Select[Any]:
    columns = (Mail.id, Mail.mime_from, Mail.mail_from, Mail.subject, Mail.action, Mail.score, Mail.size, Mail.has_virus)
    return select(NoticeLine.notice_id, *columns, NoticeLine.address).join(Mail, Mail.id == NoticeLine.mail_id).where(_is_kept())


def _line(mail_id: int, mime_from: str, mail_from: str, *more: Any) -> Line:
    return Line(mail_id, id_time(mail_id), mime_from or mail_from, *more)


def _is_kept() -> Any:
    released = exists().where(Release.mail_id == NoticeLine.mail_id, Release.address == NoticeLine.address, Release.state.in_(_ON_THE_WAY))
    return and_(Mail.copy_state == CopyState.STORED.value, ~released)


# --- collecting ---------------------------------------------------------------------------------------------------------------


def due_mails(after: int, limit: int) -> Sequence[Row[Any]]:
    """Of which nobody has looked yet whom to tell, in the order of ids."""
    due = Mail.notice_state == literal_column(f"'{NoticeState.DUE.value}'")  # a partial index serves no parameter
    query = select(Mail.id, Mail.rcpt_count).where(due, Mail.id > after).order_by(Mail.id).limit(limit)
    return db.session.execute(_by(query, Mail, "ix_mail_notice_state")).all()


def still_due(ids: Collection[int]) -> Sequence[Row[Any]]:
    """As they are now, with a lock on each: in the order of ids, as everybody takes more than one."""
    query = select(Mail.id, Mail.copy_state).where(Mail.id.in_(ids), Mail.notice_state == NoticeState.DUE.value)
    return db.session.execute(query.order_by(Mail.id).with_for_update()).all()


def recipients_of(ids: Collection[int]) -> Sequence[Row[Any]]:
    columns = (MailRecipient.mail_id, MailRecipient.address, MailRecipient.domain, MailRecipient.personal)
    query = select(*columns).where(MailRecipient.mail_id.in_(ids))
    return db.session.execute(query.order_by(MailRecipient.mail_id, MailRecipient.position)).all()


def owners_told(ids: Collection[int]) -> set[tuple[int, str]]:
    """By mail, who has a line of it."""
    query = select(NoticeLine.mail_id, NoticeLine.owner).where(NoticeLine.mail_id.in_(ids))
    return set(db.session.execute(query).tuples())


def due_of(owners: Collection[str]) -> dict[str, datetime]:
    """When their letters are due, with a lock on each, in the order of owners."""
    query = select(NoticeDue.owner, NoticeDue.due_at).where(NoticeDue.owner.in_(owners)).order_by(NoticeDue.owner).with_for_update()
    return dict(db.session.execute(query).tuples().all())


# --- making letters -------------------------------------------------------------------------------------------------------------


def due_owners(now: datetime, after: tuple[datetime, str] | None, limit: int) -> Sequence[Row[Any]]:
    """Whose letter is to be written, those that are due longest first."""
    query = select(NoticeDue.owner, NoticeDue.due_at).where(NoticeDue.due_at <= now)
    if after is not None:
        at, owner = after
        query = query.where(NoticeDue.due_at >= at, or_(NoticeDue.due_at > at, NoticeDue.owner > owner))
    return db.session.execute(query.order_by(NoticeDue.due_at, NoticeDue.owner).limit(limit)).all()


def count_due_owners(now: datetime) -> int:
    return db.session.scalar(select(func.count()).select_from(NoticeDue).where(NoticeDue.due_at <= now)) or 0


def waiting_of(owners: Collection[str]) -> dict[str, tuple[int, str]]:
    """By owner how many lines wait for a letter, and one of the addresses."""
    query = select(NoticeLine.owner, func.count(), func.min(NoticeLine.address))
    query = query.where(NoticeLine.owner.in_(owners), NoticeLine.notice_id.is_(None)).group_by(NoticeLine.owner)
    return {owner: (count, address) for owner, count, address in db.session.execute(query).tuples()}


def waiting_mails(owner: str, limit: int) -> Sequence[int]:
    query = select(NoticeLine.mail_id).where(NoticeLine.owner == owner, NoticeLine.notice_id.is_(None))
    return db.session.scalars(query.order_by(NoticeLine.mail_id).limit(limit)).all()


def begun_for(owner: str) -> int | None:
    """A letter that has not yet got all of its lines."""
    begun = (Notice.owner == owner, Notice.state == NoticeStep.WAITING.value, Notice.next_try_at.is_(None))
    return db.session.scalar(select(Notice.id).where(*begun).order_by(Notice.id.desc()).limit(1))


def begun_for_nobody(limit: int) -> Sequence[int]:
    """Letters that have not got all of their lines, though nothing more is due to whom they are for."""
    begun = (Notice.state == NoticeStep.WAITING.value, Notice.next_try_at.is_(None), ~exists().where(NoticeDue.owner == Notice.owner))
    return db.session.scalars(select(Notice.id).where(*begun).limit(limit)).all()


def those_in(ids: Collection[int], state: NoticeStep) -> Sequence[int]:
    """Of these letters."""
    return db.session.scalars(select(Notice.id).where(Notice.id.in_(ids), Notice.state == state.value).order_by(Notice.id)).all()


def mails_of_letters(ids: Collection[int]) -> list[int]:
    """Of some that have few each, in the order in which everybody takes more than one."""
    return sorted(set(db.session.scalars(select(NoticeLine.mail_id).where(NoticeLine.notice_id.in_(ids)))))


def mails_of_letter(notice_id: int, after: int, limit: int) -> Sequence[int]:
    query = select(NoticeLine.mail_id).where(NoticeLine.notice_id == notice_id, NoticeLine.mail_id > after)
    return db.session.scalars(query.order_by(NoticeLine.mail_id).limit(limit)).all()


# --- sending --------------------------------------------------------------------------------------------------------------------


def due_letters(now: datetime, limit: int) -> list[Notice]:
    """Whose turn it is: those that have waited longest, and letters that tell at once before all digests; in turn with those that are due
    since just now, so that one that is tried again does not wait behind all that were never tried."""
    due = (Notice.state == NoticeStep.WAITING.value, Notice.next_try_at <= now)
    query = select(Notice).where(*due).execution_options(populate_existing=True)
    oldest = db.session.scalars(query.order_by(Notice.next_try_at, Notice.id).limit(limit)).all()
    newest: Sequence[Notice] = oldest[::-1]
    if len(oldest) == limit:
        newest = db.session.scalars(query.order_by(Notice.next_try_at.desc(), Notice.id.desc()).limit(limit // 2)).all()
    in_turn = (each for pair in zip_longest(oldest, newest) for each in pair if each is not None)
    found = list(dict.fromkeys(in_turn))[:limit]
    db.session.expunge_all()
    return found


def addresses_told(ids: Collection[int]) -> dict[str, set[str]]:
    """By owner of these letters the addresses that their mails came to."""
    return _addresses(select(NoticeLine.owner, NoticeLine.address).where(NoticeLine.notice_id.in_(ids)))


def addresses_waiting(owners: Collection[str]) -> dict[str, set[str]]:
    """By owner those that the mails came to that wait for a letter."""
    return _addresses(select(NoticeLine.owner, NoticeLine.address).where(NoticeLine.owner.in_(owners), NoticeLine.notice_id.is_(None)))


def _addresses(query: Select[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for owner, address in db.session.execute(query.distinct()).tuples():
        found.setdefault(owner, set()).add(address)
    return found


def lost_letters(before: datetime, limit: int) -> Sequence[int]:
    """Claimed so long ago that nobody will say what became of them."""
    query = select(Notice.id).where(Notice.state == NoticeStep.SENDING.value, Notice.claimed_at < before)
    return db.session.scalars(query.limit(limit)).all()


def unsettled_letters(limit: int) -> list[tuple[int, str]]:
    """That were sent, or told nobody, and of whose mails not all say so yet: they have still a time to be looked at."""
    ended = (Notice.state.in_((NoticeStep.SENT.value, NoticeStep.EMPTY.value)), Notice.next_try_at.is_not(None))
    return list(db.session.execute(select(Notice.id, Notice.state).where(*ended).limit(limit)).tuples())


def counts_by_state() -> dict[str, int]:
    """Of letters that are still to do something."""
    open_ = (NoticeStep.WAITING.value, NoticeStep.SENDING.value)
    query = select(Notice.state, func.count()).where(Notice.state.in_(open_)).group_by(Notice.state)
    return dict(db.session.execute(query).tuples().all())


# --- forgetting -----------------------------------------------------------------------------------------------------------------


def old_letters(before: datetime, limit: int) -> Sequence[int]:
    """In the order in which they were made, which is that of ids."""
    oldest = db.session.execute(select(Notice.id, Notice.made_at).order_by(Notice.id).limit(limit))
    return [row.id for row in oldest if row.made_at < before]


def lines_left_behind(high: int, limit: int) -> set[int]:
    """Mails below that id of which there are lines still."""
    query = select(NoticeLine.mail_id).where(NoticeLine.mail_id < high).order_by(NoticeLine.mail_id)
    return set(db.session.scalars(query.limit(limit)))


def _by(query: Select[Any], model: Any, index: str) -> Select[Any]:
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(model, f"FORCE INDEX ({index})", dialect)
    return query
