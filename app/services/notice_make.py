"""Makes the letters that are due: each takes all that waits for its owner, in one transaction, so that nothing stands in two."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import case, delete, update

from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models import Notice, NoticeDue, NoticeKind, NoticeLine, NoticeStep
from app.queries.addressees import Addressee, addressees_of, still_told
from app.queries.notices import addresses_waiting, begun_for, due_of, due_owners, waiting_mails, waiting_of
from app.services.job import Report
from app.services.moves import run
from app.services.notice_lines import let_go
from app.services.notice_times import AT_ONCE
from app.services.tries import tried

_OWNERS = 100
_LINES = 2000
"""More are given to a letter in several transactions."""
_AHEAD = timedelta(days=1)
"""Letters that tell at once stand before all digests in the queue."""


def make(report: Report) -> int:
    """How many letters were made."""
    after: tuple[datetime, str] | None = None
    made = 0
    while not report.is_over():
        db.session.rollback()
        found = due_owners(stored_now(), after, _OWNERS)
        db.session.rollback()
        if not found:
            break
        owners = [row.owner for row in found]
        many, count = tried(partial(_make, owners, report))
        made += count + sum(_make_long(owner, report) for owner in many)
        after = (found[-1].due_at, found[-1].owner)
    return made


def _make(owners: Sequence[str], report: Report) -> tuple[list[str], int]:
    """Gives those who have very much to be told, or to be let go, and how many letters were made of the others'."""
    now = stored_now().replace(microsecond=0)  # MariaDB would round it up
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        due = {owner for owner, at in due_of(owners).items() if at <= now}  # somebody may have moved it meanwhile
        waiting = waiting_of(due) if due else {}
        people = _people({owner: waiting.get(owner, (0, ""))[1] for owner in due})
        many = sorted(owner for owner in due if waiting.get(owner, (0, ""))[0] > _LINES)
        letters = {owner: _letter(people[owner], waiting[owner][0], now) for owner in sorted(due) if owner in waiting and owner in people}
        letters = {owner: letter for owner, letter in letters.items() if owner not in many}
        db.session.add_all(letters.values())
        db.session.flush()
        if letters:
            of_theirs = case({owner: letter.id for owner, letter in letters.items()}, value=NoticeLine.owner)
            theirs = (NoticeLine.owner.in_(list(letters)), NoticeLine.notice_id.is_(None))
            run(update(NoticeLine).where(*theirs).values(notice_id=of_theirs))
        for owner in sorted(due - set(many) - set(people)):
            let_go(owner, _LINES + 1)
        if done := sorted(due - set(many)):
            run(delete(NoticeDue).where(NoticeDue.owner.in_(done)))
        db.session.commit()
    return many, len(letters)


def _people(came_to: Mapping[str, str]) -> dict[str, Addressee]:
    """Who is told of nothing by the rule of one of their addresses' domains may be by that of another."""
    people = addressees_of(came_to)
    if missing := came_to.keys() - people.keys():
        people |= addressees_of({owner: min(still) for owner, still in still_told(addresses_waiting(missing)).items() if still})
    return people


def _make_long(owner: str, report: Report) -> int:
    """Begun first, then filled; only what is whole may be sent. Whoever finds one that was begun goes on with it."""
    while not report.is_over():
        made = tried(partial(_fill, owner, report))
        if made is not None:
            return made
    return 0


def _fill(owner: str, report: Report) -> int | None:
    """A piece; None: there is more."""
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        due_of([owner])
        addressee = _people({owner: waiting_of([owner]).get(owner, (0, ""))[1]}).get(owner)
        if addressee is None:
            is_more = let_go(owner, _LINES)
            db.session.commit()
            return None if is_more else 0
        letter_id = begun_for(owner)
        if letter_id is None:
            letter = _letter(addressee, 0, stored_now())
            letter.next_try_at = None
            db.session.add(letter)
            db.session.flush()
            letter_id = letter.id
        ids = waiting_mails(owner, _LINES)
        theirs = (NoticeLine.owner == owner, NoticeLine.notice_id.is_(None), NoticeLine.mail_id.in_(ids))
        count = run(update(NoticeLine).where(*theirs).values(notice_id=letter_id)) if ids else 0
        values: dict[str, Any] = {"mails": Notice.mails + count}
        if len(ids) < _LINES:
            values["next_try_at"] = _turn(addressee, stored_now().replace(microsecond=0))
            run(delete(NoticeDue).where(NoticeDue.owner == owner))
        run(update(Notice).where(Notice.id == letter_id).values(**values))
        db.session.commit()
    return 1 if len(ids) < _LINES else None


def _letter(addressee: Addressee, mails: int, now: datetime) -> Notice:
    kind = NoticeKind.WATCH if addressee.is_watcher else NoticeKind.AT_ONCE if addressee.times == AT_ONCE else NoticeKind.DIGEST
    return Notice(
        kind=kind.value,
        owner=addressee.owner,
        address=addressee.address,
        mails=mails,
        secret=secrets.token_hex(16),
        made_at=now,
        state=NoticeStep.WAITING.value,
        next_try_at=_turn(addressee, now),
    )


def _turn(addressee: Addressee, now: datetime) -> datetime:
    return now - _AHEAD if addressee.times == AT_ONCE else now
