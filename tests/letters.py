"""What the tests of choices and of the screens of letters share: mails that wait to be told of, and letters as somebody finds them."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from app.clock import stored_now
from app.extensions import db
from app.models import AuditEvent, Mail, Notice, NoticeDue, NoticeKind, NoticeLine, NoticeState, NoticeStep
from app.models.people import User
from tests.make import make_mails

TOMORROW = timedelta(hours=20)
_secrets = itertools.count(1)


def id_of(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(select(User.id).where(User.username == name)).one()


def wait_for(app: Flask, owner: str, address: str, count: int = 1, *, due_in: timedelta = TOMORROW) -> list[int]:
    """Mails of which this one is to be told."""
    mails = make_mails(app, count, recipients=(address,))
    with app.app_context():
        add_lines(mails, owner, address)
        if db.session.get(NoticeDue, owner) is None:
            db.session.add(NoticeDue(owner=owner, due_at=stored_now() + due_in))
        db.session.execute(update(Mail).where(Mail.id.in_(mails)).values(notice_state=NoticeState.WAITING.value))
        db.session.commit()
    return mails


def add_lines(mails: Sequence[int], owner: str, address: str, notice_id: int | None = None) -> None:
    db.session.add_all(NoticeLine(mail_id=mail_id, owner=owner, address=address, notice_id=notice_id) for mail_id in mails)


def make_letter(app: Flask, address: str, mails: Sequence[int] = (), state: NoticeStep = NoticeStep.SENT, **fields: Any) -> int:
    values: dict[str, Any] = {"owner": f"address:{address}", "kind": NoticeKind.DIGEST.value, "tries": 1, "answer": "", "revoked_by": ""}
    values |= {"secret": f"{next(_secrets):032x}", "made_at": stored_now(), "mails": len(mails)} | fields
    if state == NoticeStep.WAITING:
        values.setdefault("next_try_at", stored_now())
    with app.app_context():
        row = Notice(address=address, state=state.value, **values)
        db.session.add(row)
        db.session.flush()
        add_lines(mails, values["owner"], address, row.id)
        db.session.commit()
        return row.id


def due_of(app: Flask, owner: str) -> datetime | None:
    with app.app_context():
        return db.session.scalar(select(NoticeDue.due_at).where(NoticeDue.owner == owner))


def told(app: Flask, owner: str) -> list[int]:
    """The mails of its lines."""
    with app.app_context():
        return list(db.session.scalars(select(NoticeLine.mail_id).where(NoticeLine.owner == owner).order_by(NoticeLine.mail_id)))


def states(app: Flask, mails: Sequence[int]) -> list[str]:
    with app.app_context():
        found = dict(db.session.execute(select(Mail.id, Mail.notice_state).where(Mail.id.in_(mails))).tuples().all())
        return [found[mail_id] for mail_id in mails]


def letter(app: Flask, notice_id: int) -> Notice:
    with app.app_context():
        return db.session.scalars(select(Notice).where(Notice.id == notice_id)).one()


def events(app: Flask, verb: str) -> list[tuple[str, str, str]]:
    """Who, before, after."""
    with app.app_context():
        query = select(AuditEvent.actor, AuditEvent.before, AuditEvent.after).where(AuditEvent.verb == verb).order_by(AuditEvent.id)
        return list(db.session.execute(query).tuples())
