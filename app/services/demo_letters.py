"""Letters about mail of the demo, as if they had been sent; and what holds for two of its domains."""

import secrets
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from app.clock import stored_now
from app.extensions import db
from app.models import Mail, Notice, NoticeDomain, NoticeKind, NoticeLine, NoticeRefusal, NoticeStep, OwnerKind

# None waits: it would be sent.
_LETTERS = (
    (NoticeKind.DIGEST, NoticeStep.EMPTY, 0, "All that it would have told of was gone by then.", 1),
    (NoticeKind.WATCH, NoticeStep.SENT, 6, "250 2.0.0 Ok: queued as 4bXk1Q2r9Lz", 1),
    (NoticeKind.DIGEST, NoticeStep.SENT, 3, "250 2.0.0 Ok: queued as 4bXk1R0v7Mz", 2),
    (NoticeKind.AT_ONCE, NoticeStep.FAILED, 1, "550 5.1.1 User unknown in virtual mailbox table", 1),
    (NoticeKind.DIGEST, NoticeStep.UNKNOWN, 2, "Whoever sent it ended in the middle: it may have gone, and is not sent again.", 1),
    (NoticeKind.DIGEST, NoticeStep.SENT, 4, "250 2.0.0 Ok: queued as 4bXk2T8w3Nz", 1),
)
_WATCHER = "postmaster@example.com"


def fill_letters(nodes: Collection[str]) -> None:
    """With mails of these nodes."""
    held = (Mail.node.in_(nodes), Mail.copy_state == "stored", Mail.first_rcpt != "")
    mails = list(db.session.scalars(select(Mail).where(*held).order_by(Mail.id.desc()).limit(400)))
    if not mails or db.session.scalar(select(Notice.id).limit(1)) is not None:
        return
    for hours, (kind, step, count, answer, tries) in zip(range(60, 0, -10), _LETTERS, strict=True):
        at = stored_now() - timedelta(hours=hours)
        there = [mail for mail in mails if mail.received_at.replace(tzinfo=None) < at] or mails
        first = there[hours // 10 % len(there)]
        address = _WATCHER if kind is NoticeKind.WATCH else first.first_rcpt.lower()
        owner = (OwnerKind.WATCH if kind is NoticeKind.WATCH else OwnerKind.ADDRESS).of(address)
        moments = {"made_at": at, "claimed_at": at, "ended_at": at + timedelta(seconds=4)}
        words = {"answer": answer, "tries": tries, "revoked_by": "", "secret": secrets.token_hex(16)}
        row = Notice(kind=kind.value, owner=owner, address=address, mails=count, state=step.value, **moments, **words)
        db.session.add(row)
        db.session.flush()
        theirs = [mail for mail in there if kind is NoticeKind.WATCH or mail.first_rcpt == first.first_rcpt][:count]
        row.mails = len(theirs) if count else 1
        db.session.add_all(NoticeLine(mail_id=mail.id, owner=owner, address=address, notice_id=row.id) for mail in _new(theirs, owner))
    db.session.add(NoticeDomain(domain="example.com", times="daily at 07:00", everybody=True, watchers=_WATCHER))
    db.session.add(NoticeDomain(domain="school.example", times="weekly on monday at 06:30", language="de"))
    db.session.add(NoticeRefusal(address="library@school.example", refused_at=stored_now() - timedelta(days=3), by="link"))
    db.session.commit()


def _new(mails: list[Mail], owner: str) -> list[Mail]:
    """Nobody is told twice."""
    known = set(db.session.scalars(select(NoticeLine.mail_id).where(NoticeLine.owner == owner)))
    return [mail for mail in mails if mail.id not in known]
