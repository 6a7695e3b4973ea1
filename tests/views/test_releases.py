"""The page of a mail releases it, to whom it is the viewer's to release, and says what became of it."""

import html
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.clock import stored_now
from app.extensions import db
from app.models import MailRecipient, UserDomain
from app.models.people import User
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import PASSWORD, login, token
from tests.releases import BOB, CAROL, asked, releasing_app, sent, states, stored
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    """Where what is asked for waits until somebody sends it."""
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    yield app
    close(app)


def shown(client: FlaskClient, mail_id: int) -> str:
    return html.unescape(client.get(f"/mails/show/{mail_id}").get_data(as_text=True))


def piece(client: FlaskClient, mail_id: int) -> str:
    return html.unescape(client.get(f"/mails/{mail_id}/releases", headers={"X-Fragment": "1"}).get_data(as_text=True))


def offered(client: FlaskClient, mail_id: int) -> list[str]:
    return re.findall(r'type="checkbox" name="to" value="([^"]+)"', shown(client, mail_id))


def release(client: FlaskClient, mail_id: int, *targets: str, **more: str) -> Any:
    return client.post(f"/mails/{mail_id}/release", data={"csrf_token": token(client), "to": list(targets), **more})


def domain_admin(app: Flask, name: str, *domains: str) -> FlaskClient:
    client = login(app, name, "Domain admin")
    with app.app_context():
        user = db.session.query(User).filter_by(username=name).one()
        db.session.add_all([UserDomain(user_id=user.id, domain=domain, created_at=stored_now()) for domain in domains])
        db.session.commit()
    return client


def test_each_may_release_to_whom_is_theirs(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL, "dora@example.org")
    bob, admin = login(app, "bob", "Recipient"), login(app, "root")
    chief, auditor = domain_admin(app, "chief", "example.com"), login(app, "auditor", "Auditor")
    assert offered(bob, mail_id) == [BOB]
    assert offered(chief, mail_id) == [BOB, CAROL]
    assert offered(admin, mail_id) == [BOB, CAROL, "dora@example.org"]
    assert 'id="release"' not in shown(auditor, mail_id)
    assert release(auditor, mail_id, BOB).status_code == 403
    release(bob, mail_id, CAROL)
    release(chief, mail_id, "dora@example.org")
    assert states(app, mail_id) == []
    for client, target in ((bob, BOB), (chief, CAROL), (admin, "new@example.org")):
        release(client, mail_id, target)
    assert states(app, mail_id) == [(BOB, "waiting"), (CAROL, "waiting"), ("new@example.org", "waiting")]
    assert (CAROL in piece(bob, mail_id), BOB in piece(bob, mail_id)) == (False, True)
    assert all(address in piece(auditor, mail_id) for address in (BOB, CAROL, "new@example.org"))
    assert "/undo/" not in piece(auditor, mail_id)


def test_who_is_auditor_and_recipient_releases_their_own(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    login(app, "bob", "Auditor")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        user = sm.find_user("bob")
        user.roles.append(sm.find_role("Recipient"))
        db.session.commit()
    bob = app.test_client()
    bob.post("/login/", data={"username": "bob", "password": PASSWORD, "csrf_token": token(bob, "/login/")})
    assert offered(bob, mail_id) == [BOB]
    release(bob, mail_id, CAROL)
    assert states(app, mail_id) == []


def test_somebody_elses_mail_cannot_be_released(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, CAROL)
    (release_id,) = asked(app, mail_id, CAROL)
    bob = login(app, "bob", "Recipient")
    assert release(bob, mail_id, BOB).status_code == 404
    assert bob.get(f"/mails/{mail_id}/releases").status_code == 404
    own = stored(app, BOB)
    for there in (mail_id, own):
        bob.post(f"/mails/{there}/undo/{release_id}", data={"csrf_token": token(bob)})
    assert states(app, mail_id) == [(CAROL, "waiting")]


def test_it_is_undone_on_the_page(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    bob = login(app, "bob", "Recipient")
    release(bob, mail_id, BOB)
    assert (offered(bob, mail_id), "data-load-again" in piece(bob, mail_id)) == ([], True)
    path = re.findall(r'action="(/mails/\d+/undo/\d+)"', piece(bob, mail_id))[0]
    bob.post(path, data={"csrf_token": token(bob)})
    assert states(app, mail_id) == [(BOB, "cancelled")]
    assert (offered(bob, mail_id), "data-load-again" in piece(bob, mail_id)) == ([BOB], False)


def test_what_went_already_is_asked_about_first(app: Flask, relay: Relay) -> None:
    app.config["UNDO_SECONDS"] = 0
    mail_id = stored(app)
    asked(app, mail_id)
    sent(app)
    admin = login(app, "root")
    page = shown(admin, mail_id)
    assert f'value="{BOB}"> ' in page, "it is offered, and not ticked"
    answer = release(admin, mail_id, BOB)
    assert (answer.status_code, len(states(app, mail_id))) == (200, 1)
    assert 'name="sure" value="yes"' in answer.get_data(as_text=True)
    release(admin, mail_id, BOB, sure="yes")
    assert len(states(app, mail_id)) == 2


def test_a_virus_is_for_admins_and_asked_about(app: Flask) -> None:
    mail_id = stored(app, virus="Eicar")
    bob, admin = login(app, "bob", "Recipient"), login(app, "root")
    assert (offered(bob, mail_id), "released by administrators only" in shown(bob, mail_id)) == ([], True)
    release(bob, mail_id, BOB, sure="yes")
    assert states(app, mail_id) == []
    assert "may be harmed" in release(admin, mail_id, BOB).get_data(as_text=True)
    release(admin, mail_id, BOB, sure="yes")
    assert states(app, mail_id) == [(BOB, "waiting")]


def test_settings_say_who_may(app: Flask) -> None:
    heavy = stored(app, score=30.0)
    bob = login(app, "bob", "Recipient")
    app.config["RELEASE_MAX_SCORE"] = "20"
    assert offered(bob, heavy) == []
    app.config["RELEASE_MAX_SCORE"] = "30"
    assert offered(bob, heavy) == [BOB]
    app.config["RELEASE_ADMIN_ACTIONS"] = ("reject",)
    assert (offered(bob, stored(app, action="reject")), offered(bob, stored(app, action="discard"))) == ([], [BOB])
    app.config["RELEASE_ROLES"] = ("Admin",)
    release(bob, heavy, BOB)
    assert (offered(bob, heavy), states(app, heavy)) == ([], [])
    app.config["SMTP_URL"] = ""
    assert offered(login(app, "root"), heavy) == []


def test_what_a_relay_says_is_text(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    app.config["UNDO_SECONDS"] = 0
    asked(app, mail_id)
    relay.answers = ["554 <script>alert(1)</script>"]
    sent(app)
    raw = login(app, "root").get(f"/mails/{mail_id}/releases").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in raw


def test_whose_own_list_blocks_it_is_not_ticked(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    with app.app_context():
        db.session.query(MailRecipient).filter_by(mail_id=mail_id, address=BOB).update({"personal": "deny"})
        db.session.commit()
    page = shown(login(app, "root"), mail_id)
    assert (f'value="{BOB}" checked' in page, f'value="{CAROL}" checked' in page) == (False, True)
