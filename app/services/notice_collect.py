"""Looks whom each newly kept mail is to be told to: their lines, and the mail's own state, in one transaction for some mails."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, update

from app.clock import stored_now, utcnow
from app.extensions import PanelSession, db
from app.ids import first_id_at
from app.models import CopyState, Mail, NoticeState
from app.queries.addressees import Addressee, owners_of, watchers_of
from app.queries.notices import due_mails, recipients_of, still_due
from app.rspamd.personal import Wish
from app.services.job import Report
from app.services.moves import run
from app.services.notice_lines import put
from app.services.notice_owners import Owners
from app.services.notice_times import next_time
from app.services.tries import tried

_MAILS, _RECIPIENTS = 500, 5000
"""At once; a mail to very many comes alone."""


@dataclass(slots=True)
class Collected:
    """Of one run."""

    mails: int = 0
    told: int = 0
    lines: int = 0
    owners: Owners = field(default_factory=Owners)
    """In a dry run."""


@dataclass(slots=True)
class _Batch:
    lines: dict[tuple[int, str], str] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)

    def add(self, mail_id: int, address: str, addressee: Addressee, now: datetime) -> None:
        """Two of one account's addresses in one mail are one line: that of the first."""
        due_at = next_time(addressee.times, addressee.zone, now)
        if due_at is None:
            return
        self.lines.setdefault((mail_id, addressee.owner), address)
        self.due[addressee.owner] = min(due_at, self.due.get(addressee.owner, due_at))


def collect(report: Report) -> Collected:
    """All that is due; in a dry run it is only counted."""
    done, upto = Collected(), 0
    while not report.is_over():
        rows = _next(upto)
        if not rows:
            break
        ids = [row.id for row in rows]
        batch, told = _looked_at(ids) if report.dry else tried(partial(_collect, ids, report))
        upto = ids[-1]
        done.mails += len(ids)
        done.told += len(told)
        done.lines += len(batch.lines)
        if report.dry:
            for _mail_id, owner in batch.lines:
                done.owners.add(owner)
        report.progress(done.mails)
    return done


def _next(after: int) -> list[Row[Any]]:
    db.session.rollback()  # what is read is read as it is now
    rows, recipients = list(due_mails(after, _MAILS)), 0
    db.session.rollback()
    for place, row in enumerate(rows):
        recipients += row.rcpt_count
        if recipients > _RECIPIENTS:
            return rows[: max(1, place)]
    return rows


def _collect(ids: Sequence[int], report: Report) -> tuple[_Batch, set[int]]:
    with cast(PanelSession, db.session()).begin_writing():
        report.must_hold()
        rows = still_due(ids)
        batch = _batch(_tellable(rows))
        told = put(batch.lines, batch.due)
        _mark([row.id for row in rows if row.id in told], NoticeState.WAITING)
        _mark([row.id for row in rows if row.id not in told], NoticeState.SKIPPED)
        db.session.commit()
    return batch, told


def _looked_at(ids: Sequence[int]) -> tuple[_Batch, set[int]]:
    rows = still_due(ids)
    db.session.rollback()  # nobody waits for a dry run
    batch = _batch(_tellable(rows))
    db.session.rollback()
    return batch, {mail_id for mail_id, _owner in batch.lines}


def _tellable(rows: Sequence[Row[Any]]) -> list[int]:
    """What is old by now, or whose copy has gone, is told to nobody."""
    oldest = first_id_at(utcnow() - timedelta(days=current_app.config["NOTICE_MAX_DAYS"]))
    return [row.id for row in rows if row.id >= oldest and row.copy_state == CopyState.STORED]


def _batch(ids: Collection[int]) -> _Batch:
    """Whoever's own list blocks a mail is not told of it. What comes to the address that our letters are from is an answer to one of
    them: who was told of that could be told for ever. Who watches and is told of a mail as its recipient is told once."""
    batch, now, ours = _Batch(), stored_now().replace(microsecond=0), str(current_app.config["MAIL_FROM"]).lower()
    rows = [row for row in (recipients_of(ids) if ids else ()) if row.address != ours]
    owners = owners_of({row.address for row in rows if row.personal != Wish.DENY})
    watchers = watchers_of({row.domain for row in rows})
    own = {(row.mail_id, each.address) for row in rows if row.personal != Wish.DENY for each in owners.get(row.address, ())}
    for row in rows:
        told = owners.get(row.address, ()) if row.personal != Wish.DENY else ()
        for addressee in (*told, *(each for each in watchers.get(row.domain, ()) if (row.mail_id, each.address) not in own)):
            if addressee.address != ours:
                batch.add(row.mail_id, row.address, addressee, now)
    return batch


def _mark(ids: Sequence[int], state: NoticeState) -> None:
    if ids:
        run(update(Mail).where(Mail.id.in_(ids)).values(notice_state=state.value))
