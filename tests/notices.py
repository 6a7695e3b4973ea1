"""Mail that is kept, people who are told of it, and the job that does it."""

import pathlib
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.clock import stored_now
from app.extensions import db
from app.models import Mail, Notice, NoticeChoice, NoticeDomain, NoticeDue, NoticeLine, UserAddress
from app.models.people import User
from app.services import notices
from app.services.job import Report
from tests.apps import make_app
from tests.releases import stored

BOB, CAROL = "bob@example.com", "carol@example.com"


def telling_app(url: str, folder: pathlib.Path, relay_url: str, **more: Any) -> Flask:
    settings = {"SMTP_URL": relay_url, "MAIL_FROM": "keep@example.com", "PUBLIC_URL": "https://mail.example.com", "SMTP_TIMEOUT": 2.0}
    settings |= {"NOTICE_TIMES": (("Recipient", "at once"),), "NOTICE_RATE": 1_000_000}
    return make_app(url, folder, **settings | more)


def kept(app: Flask, *recipients: str, **fields: Any) -> int:
    return stored(app, *recipients, **fields)


def told(app: Flask, *, dry: bool = False) -> list[str]:
    """One run of the job, and what it says."""
    said: list[str] = []
    report = Report(dry=dry)
    report.shown = lambda: said.append(report.words)
    with app.app_context():
        notices.run(report)
    return [line for number, line in enumerate(said) if line and line not in said[:number]]


def state_of(app: Flask, mail_id: int) -> str:
    with app.app_context():
        return db.session.get_one(Mail, mail_id).notice_state


def lines(app: Flask) -> set[tuple[int, str, str]]:
    """Mail, owner, and the address it came to; user:NAME for an account."""
    with app.app_context():
        names = {f"user:{user.id}": f"user:{user.username}" for user in db.session.query(User)}
        return {(row.mail_id, names.get(row.owner, row.owner), row.address) for row in db.session.query(NoticeLine)}


def letters(app: Flask) -> list[tuple[str, str, int]]:
    """Address, state, how many mails: in the order in which they were made."""
    with app.app_context():
        return [(row.address, row.state, row.mails) for row in db.session.query(Notice).order_by(Notice.id)]


def letter(app: Flask) -> Notice:
    with app.app_context():
        found = db.session.query(Notice).one()
        db.session.expunge(found)
        return found


def add_address(app: Flask, name: str, address: str) -> None:
    with app.app_context():
        user = db.session.query(User).filter_by(username=name).one()
        db.session.add(UserAddress(user_id=user.id, address=address, source="admin", created_at=stored_now()))
        db.session.commit()


def chosen(app: Flask, name: str, times: str) -> None:
    with app.app_context():
        user = db.session.query(User).filter_by(username=name).one()
        db.session.merge(NoticeChoice(user_id=user.id, times=times, by=name, chosen_at=stored_now()))
        db.session.commit()


def ruled(app: Flask, domain: str, **rules: Any) -> None:
    with app.app_context():
        values: dict[str, Any] = {"times": "", "everybody": False, "language": "", "watchers": "", "watch_times": ""}
        db.session.merge(NoticeDomain(domain=domain, **values | rules))
        db.session.commit()


def later(app: Flask, **span: float) -> None:
    """So long passes for all that waits."""
    moved = timedelta(**span)
    with app.app_context():
        for due in db.session.query(NoticeDue):
            due.due_at -= moved
        for row in db.session.query(Notice):
            row.next_try_at = row.next_try_at - moved if row.next_try_at else None
            row.claimed_at = row.claimed_at - moved if row.claimed_at else None
            row.made_at -= moved
        db.session.commit()


def change(app: Flask, mail_id: int, **values: Any) -> None:
    with app.app_context():
        db.session.execute(update(Mail).where(Mail.id == mail_id).values(**values))
        db.session.commit()


def text_of(message: EmailMessage) -> str:
    """What those read who see no HTML."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
