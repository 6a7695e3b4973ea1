"""Letters about kept mail, as if they had been sent, and their links."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.clock import stored_now, utcnow
from app.extensions import db
from app.models import Mail, MailRequest, MapEntry, Notice, NoticeDomain, NoticeKind, NoticeLine, NoticeStep, NoticeUse, Release
from app.models.people import User
from app.services.notice_links import link_to, unsubscribe_link
from tests.releases import BOB

PUBLIC = "https://mail.example.com"
NOTHING = {"Release": 0, "MapEntry": 0, "MailRequest": 0, "NoticeUse": 0}


def tell_everybody(app: Flask, domain: str = "example.com", everybody: bool = True, **fields: object) -> None:
    with app.app_context(), db.session().begin_writing():  # a panel may write beside it
        db.session.merge(NoticeDomain(domain=domain, everybody=everybody, **fields))
        db.session.commit()


def letter(app: Flask, owner: str, to: str, *mails: int, address: str = "") -> int:
    """To `to`, about mails that came to `address`; its id."""
    with app.app_context(), db.session().begin_writing():
        made = Notice(kind=NoticeKind.DIGEST, owner=owner, address=to, mails=len(mails), secret="ab" * 16, made_at=stored_now())
        made.state = NoticeStep.SENT
        db.session.add(made)
        db.session.flush()
        for mail_id in mails:
            mail = db.session.get(Mail, mail_id)
            came_to = address or (mail.first_rcpt if mail else to)
            db.session.add(NoticeLine(mail_id=mail_id, owner=owner, address=came_to, notice_id=made.id))
        db.session.commit()
        return made.id


def link(app: Flask, notice_id: int, mail_id: int, act: str) -> str:
    """What stands in its address behind `link=`."""
    with app.app_context():
        notice = db.session.get(Notice, notice_id)
        assert notice is not None
        url = unsubscribe_link(notice) if act == "unsubscribe" else link_to(notice, mail_id, act)
    return parse_qs(urlsplit(url).query)["link"][0]


def form_of(client: FlaskClient, text: str, path: str = "/notice") -> dict[str, str]:
    """Of the page behind it, as it is sent by who chose to go on; shown a few seconds ago."""
    with time_machine.travel(utcnow() - timedelta(seconds=5), tick=False):
        page = client.get(path, query_string={"link": text}).get_data(as_text=True)
    start = page.index('value="', page.index('name="page"')) + 7
    return {"link": text, "page": page[start : page.index('"', start)], "answer": "yes"}


def press(client: FlaskClient, text: str, path: str = "/notice", **changes: Any) -> tuple[int, str]:
    answer = client.post(path, data=form_of(client, text, path) | changes)
    return answer.status_code, answer.get_data(as_text=True)


def of_bob(app: Flask, *mails: int) -> int:
    with app.app_context():
        bob = db.session.scalars(select(User).where(User.username == "bob")).one()
        return letter(app, f"user:{bob.id}", BOB, *mails)


def done(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {
            table.__name__: db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Release, MapEntry, MailRequest, NoticeUse)
        }
