"""Lines that wait for a letter: put off or brought forward when somebody wants their letters at other times, let go when they want none."""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import cast

from sqlalchemy import delete, select, update

from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models import Notice, NoticeDue, NoticeLine, NoticeStep
from app.queries.addressees import addressees_of
from app.queries.domains import aliases_by_domain
from app.queries.matching import in_domains
from app.queries.notices import addresses_waiting, mails_of_letter
from app.queries.pieces import pieces
from app.services import notice_lines as lines
from app.services.job import Report
from app.services.moves import run
from app.services.notice_times import next_time
from app.services.tries import tried

_AT_ONCE = 1000
_OWNERS_AT_ONCE = 500
_DOMAIN, _NEVER = "domain:", datetime(9000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Among those for whom mail waits stand domains, too, whose rule has changed: they are due far beyond all others."""
_MOST_ASKED = 5000
_MOST_BATCHES = 50
"""Who has more lines than so many batches waits for the job to let the rest go."""


def lock(owner: str) -> bool:
    """Whoever writes letters for somebody holds this row: what is moved here is in no letter yet. Whether anything waits for one."""
    found = db.session.scalar(select(NoticeDue.owner).where(NoticeDue.owner == owner).with_for_update())
    return found is not None


def move(owner: str) -> None:
    """In the transaction of whoever calls, once it holds the lock: to the earliest of their times. Who wants none is due at once:
    then the job lets go what is left."""
    db.session.flush()
    due_at = _dues([owner], now := stored_now()).get(owner, now)
    run(update(NoticeDue).where(NoticeDue.owner == owner).values(due_at=due_at))


def _dues(owners: Collection[str], now: datetime) -> dict[str, datetime]:
    """By owner the earliest time, of those that hold in the domains of what waits. Who is told of none of it is left out."""
    came_to = addresses_waiting(owners) if owners else {}
    of_each = {owner: {address.rpartition("@")[2]: address for address in addresses} for owner, addresses in came_to.items()}
    dues: dict[str, datetime] = {}
    while of_each:  # one domain of each at once: nearly all have no second
        for owner, each in addressees_of({owner: left.popitem()[1] for owner, left in of_each.items()}).items():
            if (due_at := next_time(each.times, each.zone, now)) is not None:
                dues[owner] = min(due_at, dues.get(owner, due_at))
        of_each = {owner: left for owner, left in of_each.items() if left}
    return dues


def let_go(owner: str) -> None:
    """Nobody is told of what waits for this one. A transaction for each batch."""
    for _batch in range(_MOST_BATCHES):
        with cast(PanelSession, db.session()).begin_writing():
            # Where the row is only just coming, MariaDB would wait for it and take it away from its lines.
            is_more = lock(owner) and lines.let_go(owner)
            db.session.commit()
        if not is_more:
            return


def let_go_of_domains(owner: str, domains: Collection[str]) -> None:
    """Of a watcher's lines those of mail to these domains: of others they may be told still. What is beyond so many batches is left out
    when their letter goes."""
    theirs = (NoticeLine.owner == owner, NoticeLine.notice_id.is_(None), in_domains(NoticeLine.address, domains))
    for _batch in range(_MOST_BATCHES):
        with cast(PanelSession, db.session()).begin_writing():
            lock(owner)
            mails = list(db.session.scalars(select(NoticeLine.mail_id).where(*theirs).order_by(NoticeLine.mail_id).limit(_AT_ONCE)))
            if mails:
                run(delete(NoticeLine).where(NoticeLine.mail_id.in_(mails), *theirs))
                lines.settle(mails)
            db.session.commit()
        if len(mails) < _AT_ONCE:
            return


def stop_letters(owner: str, why: str) -> None:
    """Those that wait for their turn are not sent, and tell nobody."""
    with cast(PanelSession, db.session()).begin_writing():
        lock(owner)
        waiting = (Notice.owner == owner, Notice.state == NoticeStep.WAITING.value)
        stopped = list(db.session.scalars(select(Notice.id).where(*waiting).order_by(Notice.id).with_for_update()))
        if stopped:
            values = {"state": NoticeStep.EMPTY.value, "next_try_at": None, "ended_at": stored_now(), "answer": why}
            run(update(Notice).where(Notice.id.in_(stopped), *waiting).values(**values))
        db.session.commit()
    for notice_id in stopped:
        while _forgot_some(notice_id):
            pass


def _forgot_some(notice_id: int) -> bool:
    with cast(PanelSession, db.session()).begin_writing():
        mails = mails_of_letter(notice_id, 0, _AT_ONCE)
        if mails:
            lines.forget_lines(notice_id, mails)
        db.session.commit()
    return bool(mails)


def ask_to_move(domain: str) -> None:
    """Joins the transaction that changes the rule: the job moves whoever waits for a letter with mail to the domain. They may be very
    many. Each change asks by itself, lest one that comes while the job moves is taken for done."""
    db.session.add(NoticeDue(owner=f"{_DOMAIN}{domain}:{secrets.token_hex(4)}", due_at=_NEVER.replace(year=9999)))


def move_waiting(report: Report) -> int:
    """What was asked for. How many were moved; what is not done to its end is begun anew."""
    asked = db.session.scalars(select(NoticeDue.owner).where(NoticeDue.due_at >= _NEVER).limit(_MOST_ASKED)).all()
    if not asked:
        return 0
    named = {owner.removeprefix(_DOMAIN).rpartition(":")[0] for owner in asked}
    domains = {*named, *(alias for aliases in aliases_by_domain(named).values() for alias in aliases)}
    db.session.rollback()
    after: str | None = ""
    moved = 0
    while after is not None:
        if report.is_over():
            return moved
        count, after = tried(partial(_move_some, after, domains, report))
        moved += count
    with cast(PanelSession, db.session()).begin_writing():
        for piece in pieces(asked):
            run(delete(NoticeDue).where(NoticeDue.owner.in_(piece)))
        db.session.commit()
    return moved


def _move_some(after: str, domains: Collection[str], report: Report) -> tuple[int, str | None]:
    """How many, and after whom there are more."""
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        now = stored_now()
        ahead = select(NoticeDue.owner, NoticeDue.due_at).where(NoticeDue.owner > after).order_by(NoticeDue.owner)
        rows = db.session.execute(ahead.limit(_OWNERS_AT_ONCE)).all()
        # What is due already is not put off.
        moved = _move_each([row.owner for row in rows if row.due_at > now], domains, now)
        db.session.commit()
    return moved, rows[-1].owner if len(rows) == _OWNERS_AT_ONCE else None


def _move_each(owners: Collection[str], domains: Collection[str], now: datetime) -> int:
    waiting = select(NoticeLine.owner).where(NoticeLine.owner.in_(owners), NoticeLine.notice_id.is_(None))
    theirs = set(db.session.scalars(waiting.where(in_domains(NoticeLine.address, domains)).distinct())) if owners else set()
    dues = _dues(theirs, now)
    in_turn = sorted((dues.get(owner, now), owner) for owner in theirs)
    for due_at, group in groupby(in_turn, key=lambda pair: pair[0]):
        moved = update(NoticeDue).where(NoticeDue.owner.in_([owner for _due_at, owner in group]), NoticeDue.due_at > now)
        run(moved.values(due_at=due_at))
    return len(theirs)
