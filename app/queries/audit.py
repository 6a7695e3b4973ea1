"""Reading the audit trail: a page of a search, newest first; what came after an event; who opened a mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from app.extensions import db
from app.models.audit import KINDS, AuditEvent, Verb
from app.queries.bounded import fetch
from app.queries.matching import contains_any_case

_TABLE = AuditEvent.__table__
_LOOKED_AT = 20_000
"""Events that one page looks through for words. Ids have no gaps, so a stretch of them is as many events."""
_AT_ONCE = 500
_OPENINGS = (Verb.MAIL_OPENED, Verb.MAIL_READ, Verb.MAIL_DOWNLOADED)
_MOST_OPENINGS = 100


@dataclass(frozen=True, slots=True)
class AuditSearch:
    who: str = ""
    verb: str = ""
    target: str = ""
    ip: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Not itself."""
    text: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        column = _TABLE.c
        same = ((column.actor, self.who), (column.verb, self.verb), (column.target_id, self.target), (column.ip, self.ip))
        found: list[ColumnElement[bool]] = [each == value for each, value in same if value]
        if self.target:
            found.append(column.target_kind.in_(KINDS))  # the index begins with it
        if self.since is not None:
            found.append(column.at >= self.since)
        if self.until is not None:
            found.append(column.at < self.until)
        if self.text:
            places = (column.actor, column.on_behalf_of, column.target_id, column.reason, column.before, column.after)
            found.append(or_(*(contains_any_case(place, self.text) for place in places)))
        return found


@dataclass(frozen=True, slots=True)
class AuditPage:
    rows: Sequence[Row[Any]]
    older: int | None = None
    """`before` of the next page, or None at the end."""
    is_partial: bool = False
    """The page ends where looking through for words did: there may be more."""


def page_of(search: AuditSearch, size: int, before: int | None, seconds: float) -> AuditPage:
    with db.engine.connect() as connection:
        if before is None:
            before = int(connection.scalar(select(func.max(_TABLE.c.id))) or 0) + 1
        low = max(0, before - _LOOKED_AT) if search.text else 0
        query = select(_TABLE).where(_TABLE.c.id < before, *search.conditions()).order_by(_TABLE.c.id.desc()).limit(size + 1)
        rows = fetch(connection, query.where(_TABLE.c.id >= low) if low else query, seconds)
    if len(rows) > size:
        return AuditPage(rows[:size], rows[size - 1].id)
    return AuditPage(rows, low, is_partial=True) if low else AuditPage(rows)


def pages_of(search: AuditSearch, seconds: float) -> Iterator[Sequence[Row[Any]]]:
    """All that a search finds, newest first."""
    before: int | None = None
    while True:
        page = page_of(search, _AT_ONCE, before, seconds)
        yield page.rows
        before = page.older
        if before is None:
            return


def events_after(event_id: int) -> Iterator[Row[Any]]:
    """Oldest first."""
    while True:
        with db.engine.connect() as connection:
            rows = connection.execute(select(_TABLE).where(_TABLE.c.id > event_id).order_by(_TABLE.c.id).limit(_AT_ONCE)).all()
        yield from rows
        if not rows:
            return
        event_id = rows[-1].id


def last_events(count: int) -> Sequence[Row[Any]]:
    """Oldest first."""
    with db.engine.connect() as connection:
        return connection.execute(select(_TABLE).order_by(_TABLE.c.id.desc()).limit(count)).all()[::-1]


def links_asked(username: str, since: datetime) -> int:
    """How often somebody asked for a link to a new password of this account, whoever it was."""
    target = AuditEvent.target_kind == "account", AuditEvent.target_id == username[:64]
    query = select(func.count()).where(*target, AuditEvent.verb == Verb.PASSWORD_RESET_ASKED, AuditEvent.at >= since)
    return db.session.scalar(query) or 0


# --- mails -----------------------------------------------------------------------------------------------------------------


def openings_of(mail_id: int) -> Sequence[AuditEvent]:
    """By others than its recipients: what recipients do with their own mail is no event."""
    query = _of_mail(mail_id).where(AuditEvent.verb.in_(_OPENINGS)).order_by(AuditEvent.id.desc()).limit(_MOST_OPENINGS)
    return db.session.scalars(query).all()


def was_opened(mail_id: int, user_id: int, verb: Verb, since: datetime) -> bool:
    query = _of_mail(mail_id).where(AuditEvent.user_id == user_id, AuditEvent.verb == verb, AuditEvent.at >= since).limit(1)
    return db.session.scalar(query) is not None


def reason_given(event_id: int, mail_id: int, user_id: int, since: datetime) -> str:
    """Empty where this event is no reason of this account for this mail, or an older one."""
    own = (AuditEvent.id == event_id, AuditEvent.user_id == user_id, AuditEvent.verb == Verb.REASON_GIVEN, AuditEvent.at >= since)
    found = db.session.scalar(_of_mail(mail_id).where(*own))
    return found.reason if found else ""


def _of_mail(mail_id: int) -> Any:
    return select(AuditEvent).where(AuditEvent.target_kind == "mail", AuditEvent.target_id == str(mail_id))
