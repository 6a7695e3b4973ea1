"""Opening somebody else's mail: told of, asked about where the site wants it, and shown to whom the mail came."""

import pathlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import AuditEvent
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.views.test_message import DOORS, allow, stored

PAGES = ("/mails/show/{mail}", "/mails/symbols/{mail}", "/mails/related/{mail}", "/api/v1/mail/{mail}")
ALL = (*PAGES, *(f"/mails/{{mail}}/{door}" for door in DOORS))


@pytest.fixture
def asking(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app that wants reasons."""
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, AUDIT_REASON=True)
    yield app
    close(app)


def told(app: Flask, kind: str = "mail") -> list[tuple[str, str, str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.target_kind == kind).order_by(AuditEvent.id)).all()
        return [(row.actor, row.verb, row.target_id, row.reason) for row in rows]


def give(client: FlaskClient, mail: int, reason: str) -> Any:
    return client.post(f"/mails/{mail}/reason", data={"reason": reason, "csrf_token": token(client)})


def test_each_way_to_open_somebody_elses_mail_is_an_event(any_app: Flask) -> None:
    mail = stored(any_app)
    client = login(any_app, "boss")
    for path in ALL:
        assert client.get(path.format(mail=mail)).status_code == 200
    verbs = ["opened", "opened", "read", "read", "downloaded", "downloaded"]  # pieces of a page that was opened are none
    assert told(any_app) == [("boss", f"mail.{verb}", str(mail), "") for verb in verbs]


@pytest.mark.parametrize(("path", "verb"), [(ALL[1], "mail.opened"), (ALL[2], "mail.opened"), ("/mails/{mail}/html", "mail.read")])
def test_a_piece_asked_for_by_itself_is_one_too(app: Flask, path: str, verb: str) -> None:
    mail = stored(app)
    client = login(app, "boss")
    for _ in range(2):
        client.get(path.format(mail=mail))
    with time_machine.travel(utcnow() + timedelta(minutes=16), tick=True):
        client.get(path.format(mail=mail))
    assert told(app) == [("boss", verb, str(mail), "")] * 2


def test_ones_own_mail_is_no_event_also_for_an_admin(app: Flask) -> None:
    mail = stored(app, recipients=("boss@example.com", "carol@example.com"))
    for client in (login(app, "boss"), login(app, "carol", role="Recipient")):
        allow(app, "Recipient", "can_read", "can_download")
        for path in ("/mails/show/{mail}", "/mails/{mail}/message", "/mails/{mail}/download"):
            assert client.get(path.format(mail=mail)).status_code == 200
    assert told(app) == []


def test_what_nobody_may_see_is_no_opening(app: Flask) -> None:
    mail = stored(app)
    carol = login(app, "carol", role="Recipient")
    allow(app, "Recipient", "can_read", "can_download")
    for path in (*ALL, "/mails/{mail}/reason"):
        assert carol.get(path.format(mail=mail)).status_code == 404 or "symbols" in path
    assert give(carol, mail, "I want to").status_code == 404
    assert told(app) == []


def test_to_whom_it_came_sees_who_opened_it_and_why(asking: Flask) -> None:
    mail = stored(asking, recipients=("carol@example.com",))
    boss, carol = login(asking, "boss"), login(asking, "carol", role="Recipient")
    assert "Opened by others" not in carol.get(f"/mails/show/{mail}").get_data(as_text=True)
    give(boss, mail, "<b>ticket</b> 4711")
    boss.get(f"/mails/show/{mail}")
    boss.get(f"/mails/{mail}/download")
    page = carol.get(f"/mails/show/{mail}").get_data(as_text=True)
    for words in ("Opened by others", "<bdi>boss</bdi>", "opened the mail", "downloaded the message", "&lt;b&gt;ticket&lt;/b&gt; 4711"):
        assert words in page
    assert "Opened by others" not in boss.get(f"/mails/show/{mail}").get_data(as_text=True)


@pytest.mark.parametrize("path", [path for path in ALL if "/api/" not in path])
def test_no_door_opens_before_a_reason_was_given(asking: Flask, path: str) -> None:
    mail, other = stored(asking), stored(asking)
    client = login(asking, "boss")
    for found in (mail, other):
        answer = client.get(path.format(mail=found))
        assert (answer.status_code, answer.location) == (302, f"/mails/{found}/reason")
        assert told(asking) == []
    assert b"Why do you open this mail?" in client.get(f"/mails/{mail}/reason").data
    assert give(client, mail, " ").status_code == 400
    assert told(asking) == []
    assert give(client, mail, "ticket\n4711").location == f"/mails/show/{mail}"
    assert client.get(path.format(mail=mail)).status_code == 200
    assert client.get(path.format(mail=other)).status_code == 302
    verbs = [(verb, reason) for _who, verb, _mail, reason in told(asking)]
    assert verbs[0] == ("mail.reason", "ticket 4711")
    assert [reason for _verb, reason in verbs] == ["ticket 4711"] * 2


def test_a_reason_counts_for_a_quarter_of_an_hour_one_session_and_one_account(asking: Flask) -> None:
    mail = stored(asking)
    client = login(asking, "boss")
    give(client, mail, "ticket 4711")
    assert client.get(f"/mails/show/{mail}").status_code == 200
    elsewhere = asking.test_client()
    sent = {"username": "boss", "password": "Correct-Horse-99", "csrf_token": token(elsewhere, "/login/")}
    elsewhere.post("/login/", data=sent)
    assert elsewhere.get(f"/mails/show/{mail}").status_code == 302
    with time_machine.travel(utcnow() + timedelta(minutes=14), tick=True):
        assert client.get(f"/mails/show/{mail}").status_code == 200
    with time_machine.travel(utcnow() + timedelta(minutes=16), tick=True):
        assert client.get(f"/mails/show/{mail}").status_code == 302
    client.post("/logout/", data={"csrf_token": token(client)})
    login(asking, "dave")
    sent = {"username": "dave", "password": "Correct-Horse-99", "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=sent).status_code == 302
    assert client.get(f"/mails/show/{mail}").status_code == 302


def test_programs_give_their_reason_in_a_header(asking: Flask) -> None:
    mail, own = stored(asking), stored(asking, recipients=("boss@example.com",))
    client = login(asking, "boss")
    answer = client.get(f"/api/v1/mail/{mail}")
    assert (answer.status_code, "X-Reason" in answer.get_json()["message"]) == (403, True)
    assert client.get(f"/api/v1/mail/{own}").status_code == 200
    assert client.get(f"/api/v1/mail/{mail}", headers={"X-Reason": "ticket 4711"}).status_code == 200
    assert told(asking) == [("boss", "mail.opened", str(mail), "ticket 4711")]


def test_an_export_of_the_log_is_an_event_with_its_search(app: Flask) -> None:
    client = login(app, "boss")
    client.get("/mails/export?format=json&score.ge=5")
    assert client.get("/mails/export?format=xml").status_code == 400
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == "log.exported")).first()
        assert event
        assert (event.actor, event.target_id) == ("boss", "json")
        assert "5" in event.after
