"""The letters there are, for who looks after them: newest first, how many wait, and what each tells of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select

from app.errors import NotFound
from app.extensions import db
from app.ids import MAX_ID
from app.models import JobState, Mail, Notice, NoticeLine, NoticeStep
from app.queries.matching import starts_with
from app.queries.notice_choices import MOST_COUNTED, within
from app.queries.scope import Scope

_SLICE = 20_000
_MOST_SLICES = 25
_TO_KNOW_OF = (NoticeStep.WAITING, NoticeStep.FAILED, NoticeStep.UNKNOWN)
JOB = "notices"


@dataclass(frozen=True, slots=True)
class Letters:
    rows: Sequence[Notice]
    older: int | None
    """`before` of the next page."""


def letters(scope: Scope, *, state: str = "", address: str = "", before: int | None = None, size: int = 50) -> Letters:
    """`address`: the whole one, or how it begins with a * after it."""
    if scope.is_empty:
        return Letters([], None)
    conditions: list[ColumnElement[bool]] = [] if scope.everything else [within(Notice.address, scope)]
    if state:
        conditions.append(Notice.state == state)
    if address:
        text = address.strip().lower()
        conditions.append(starts_with(Notice.address, text[:-1]) if text.endswith("*") else Notice.address == text)
    if address and not address.strip().endswith("*"):
        return _page(conditions, before, size)
    return _walked(conditions, before, size)


def _page(conditions: Sequence[ColumnElement[bool]], before: int | None, size: int) -> Letters:
    """Where an index has few to look at."""
    query = select(Notice).where(*conditions, *(() if before is None else (Notice.id < before,)))
    rows = db.session.scalars(query.order_by(Notice.id.desc()).limit(size + 1)).all()
    return Letters(rows[:size], rows[size - 1].id if len(rows) > size else None)


def _walked(conditions: Sequence[ColumnElement[bool]], before: int | None, size: int) -> Letters:
    """Slices of ids, back from the newest: what no index answers has an end, and the next page goes on there."""
    top = before if before is not None else (db.session.scalar(select(func.max(Notice.id))) or 0) + 1
    rows: list[Notice] = []
    for _slice in range(_MOST_SLICES):
        bottom = max(0, top - _SLICE)
        query = select(Notice).where(*conditions, Notice.id >= bottom, Notice.id < top).order_by(Notice.id.desc())
        rows += db.session.scalars(query.limit(size + 1 - len(rows))).all()
        top = bottom
        if len(rows) > size:
            return Letters(rows[:size], rows[size - 1].id)
        if not bottom:
            return Letters(rows, None)
    return Letters(rows, top)


def counts(scope: Scope, states: Iterable[NoticeStep] = _TO_KNOW_OF) -> dict[str, int]:
    """Never more than one beyond MOST_COUNTED."""
    found = {}
    for state in states:
        query = select(Notice.id).where(Notice.state == state, within(Notice.address, scope)).limit(MOST_COUNTED + 1)
        found[state.value] = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return found


def letter_of(scope: Scope, notice_id: int, *, locked: bool = False) -> Notice:
    """NotFound for what is not theirs to see, too."""
    row = db.session.get(Notice, notice_id, populate_existing=locked, with_for_update=locked) if 0 < notice_id <= MAX_ID else None
    if row is None or not (scope.everything or row.address.rpartition("@")[2] in scope.domains):
        raise NotFound(_("There is no such letter."))
    return row


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a letter, for who looks at it."""

    mail_id: int
    address: str
    """Empty: it is not theirs to see, though the mail is."""
    mail: Any
    """None: it is gone, or not theirs to see."""


def told_in(notice_id: int, scope: Scope, *, before: int | None, size: int) -> tuple[Sequence[Told], int | None]:
    """`scope`: of the mails. Newest first, and `before` of the next page."""
    query = select(NoticeLine.mail_id, NoticeLine.address).where(NoticeLine.notice_id == notice_id)
    if before is not None:
        query = query.where(NoticeLine.mail_id < before)
    rows = db.session.execute(query.order_by(NoticeLine.mail_id.desc()).limit(size + 1)).all()
    ids = [row.mail_id for row in rows[:size]]
    mails = {mail.id: mail for mail in db.session.scalars(select(Mail).where(Mail.id.in_(ids), scope.condition()))} if ids else {}
    told = [Told(row.mail_id, row.address if scope.owns(row.address) else "", mails.get(row.mail_id)) for row in rows[:size]]
    return told, ids[-1] if len(rows) > size else None


@dataclass(frozen=True, slots=True)
class Rest:
    """Of the job: nothing goes until then."""

    until: datetime
    why: str


def job_rest(now: datetime) -> Rest | None:
    """After a run that failed, or that the relay ended."""
    state = db.session.get(JobState, JOB, populate_existing=True)
    if state is None or state.not_before is None or state.not_before <= now or state.leased_until is not None:
        return None
    return Rest(state.not_before, state.last_error or state.last_words)


def is_job_paused() -> bool:
    return bool(db.session.scalar(select(JobState.paused).where(JobState.name == JOB)))
