"""Mails that tests teach a Rspamd with, and a node that knows where it is."""

from typing import Any

from flask import Flask

from app.actor import SYSTEM, Actor
from app.extensions import db
from app.models import MailLesson
from app.queries.learning import ANYTHING, Learning
from app.rspamd.lessons import Lesson
from app.services import learning, nodes

ADMIN = Actor("admin", 1, "192.0.2.1")
PASSWORD = "tests"


def text_of(number: int, words: int = 60) -> bytes:
    body = " ".join(f"word{number}x{each}{chr(97 + each % 26)}" for each in range(words))
    head = f"From: Eve <eve@example.net>\r\nTo: bob@example.com\r\nSubject: offer {number}\r\nMessage-ID: <{number}@example.net>\r\n"
    return f"{head}Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\n{body}\r\n".encode()


def node_with(app: Flask, url: str, password: str | None = PASSWORD, name: str = "mx1", **more: Any) -> None:
    with app.app_context():
        nodes.register_local(name, actor=SYSTEM)
        nodes.edit(name, controller=url, controller_password=password if url else None, actor=SYSTEM, **more)


def taught(app: Flask, mail_id: int, lesson: Lesson, may: Learning = ANYTHING, **more: Any) -> learning.Taught:
    with app.app_context():
        return learning.learn(may, mail_id, lesson, actor=ADMIN, **more)


def lessons(app: Flask, mail_id: int) -> list[tuple[str, str]]:
    """Oldest first."""
    with app.app_context():
        rows = db.session.query(MailLesson).filter_by(mail_id=mail_id).order_by(MailLesson.number)
        return [(row.lesson, row.state) for row in rows]
