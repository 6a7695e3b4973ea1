"""What people do who have forgotten their password: ask for a link, find it in their mail, choose a new password."""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import AuditEvent, Verb
from app.models.people import User
from tests.make import token
from tests.servers.relay import Relay

NEW = "Another-Horse-77"
PUBLIC = "https://mail.example.com"
MAILS = {"MAIL_FROM": "keep@example.com", "PUBLIC_URL": PUBLIC, "SMTP_TIMEOUT": 2.0}


def ask(app: Flask, name: str, host: str = "localhost") -> FlaskClient:
    client = app.test_client()
    client.environ_base |= {"HTTP_HOST": host, "HTTP_X_FORWARDED_HOST": host}
    answer = client.post("/password/forgotten", data={"csrf_token": token(client, "/password/forgotten"), "name": name})
    assert (answer.status_code, answer.location) == (302, "/login/")
    app.extensions["mailkeep_background"].wait()
    return client


def link_in(relay: Relay) -> str:
    found = re.search(rf"^{PUBLIC}/password/choose\?link=(\S+)\r?$", str(relay.messages[-1].get_content()), re.MULTILINE)
    assert found, relay.messages[-1].get_content()
    return found[1]


def choose(app: Flask, link: str, password: str = NEW, again: str | None = None) -> tuple[int, str]:
    client = app.test_client()
    page = client.get("/password/choose", query_string={"link": link})
    if page.status_code != 200:
        return page.status_code, page.get_data(as_text=True)
    fields = {"csrf_token": token(client, f"/password/choose?link={link}"), "link": link, "new": password, "again": again or password}
    answer = client.post("/password/choose", data=fields)
    return answer.status_code, answer.get_data(as_text=True)


def can_log_in(app: Flask, password: str, name: str = "bob") -> bool:
    client = app.test_client()
    client.post("/login/", data={"username": name, "password": password, "csrf_token": token(client, "/login/")})
    return client.get("/profile/").status_code == 200


def set_user(app: Flask, name: str = "bob", **values: object) -> None:
    with app.app_context():
        db.session.execute(update(User).where(User.username == name).values(**values))
        db.session.commit()


def events(app: Flask, verb: Verb) -> list[tuple[str, str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == verb).order_by(AuditEvent.id)).all()
        return [(row.actor, row.target_id, row.after) for row in rows]
