"""Requests on the screen: asked on a mail's page, decided in the queue, told to who asked; and what goes with a release."""

import html
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import MailRequest, MapEntry, Node
from app.services.background import background
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import login, make_node, token
from tests.releases import BOB, CAROL, releasing_app, states, stored
from tests.servers.process import free_port
from tests.servers.relay import Relay
from tests.views.test_releases import domain_admin, release, shown


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    yield app
    close(app)


def seen(client: FlaskClient, path: str) -> str:
    return html.unescape(client.get(path).get_data(as_text=True))


def ask(client: FlaskClient, mail_id: int, comment: str = "") -> Any:
    return client.post(f"/requests/ask/{mail_id}", data={"csrf_token": token(client), "comment": comment}, follow_redirects=True)


def decide(client: FlaskClient, act: str, *ids: int, **more: str) -> str:
    form = {"csrf_token": token(client), "act": act, "rowid": [str(number) for number in ids]} | more
    return html.unescape(client.post("/requests/decide", data=form, follow_redirects=True).get_data(as_text=True))


def ids(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(MailRequest.id).order_by(MailRequest.id)))


def test_asked_for_denied_approved_and_told(app: Flask, relay: Relay) -> None:
    app.config["RELEASE_ROLES"] = ("Admin", "Domain admin")
    first, second = stored(app, BOB, CAROL, subject="the bill"), stored(app, BOB)
    foreign = stored(app, "dora@example.org")
    bob, chief = login(app, "bob", "Recipient"), domain_admin(app, "chief", "example.com")
    other = domain_admin(app, "other", "example.org")
    assert "Request release" in shown(bob, first)
    for mail_id in (first, second):
        page = html.unescape(ask(bob, mail_id, "<b>urgent").get_data(as_text=True))
        assert "waits for a decision" in page
        assert "Request release" not in page
        assert "&lt;b&gt;urgent" in bob.get(f"/mails/show/{mail_id}").get_data(as_text=True)
    assert ask(bob, foreign).status_code == 404
    assert ">2</span>" in seen(chief, "/requests/")
    assert "the bill" in seen(chief, "/requests/")
    assert "mk-open" not in seen(other, "/requests/")
    assert "the bill" not in seen(other, "/requests/")
    assert "There is no such request" in decide(other, "approve", *ids(app))
    assert bob.post("/requests/decide", data={"csrf_token": token(bob), "act": "approve", "rowid": ids(app)}).status_code in (302, 403)
    assert states(app, first) == []
    assert "1 request is denied" in decide(chief, "deny", ids(app)[0], words="phishing")
    assert "1 request is approved" in decide(chief, "approve", ids(app)[1])
    assert (states(app, first), states(app, second)) == ([], [(BOB, "waiting")])
    assert "phishing" in shown(bob, first)
    assert "approved" in shown(bob, second)
    assert "Request release" not in shown(bob, second)
    own = seen(bob, "/requests/own")
    assert ("phishing" in own, "approved" in own, bob.get("/requests/").location) == (True, True, "/requests/own")
    assert "phishing" in seen(chief, "/requests/?state=decided")
    with app.app_context():
        background().wait()
    assert sorted((letter["To"], "denied" in letter["Subject"]) for letter in relay.messages) == [(BOB, False), (BOB, True)]


def test_several_at_once_and_what_has_to_be_meant(app: Flask) -> None:
    mails = [stored(app, virus="Eicar"), stored(app, score=30.0), stored(app)]
    app.config["RELEASE_MAX_SCORE"] = "20"
    bob, admin = login(app, "bob", "Recipient"), login(app, "root")
    for mail_id in mails[:2]:
        ask(bob, mail_id)
    assert "Request release" not in shown(bob, mails[2]), "what they may release they do not ask for"
    assert "not yours to request" in html.unescape(ask(bob, mails[2]).get_data(as_text=True))
    page = decide(admin, "approve", *ids(app))
    assert "Release these mails?" in page
    assert (states(app, mails[0]), states(app, mails[1])) == ([], [(BOB, "waiting")])
    assert "is approved" in decide(admin, "approve", ids(app)[0], sure="yes")
    assert states(app, mails[0]) == [(BOB, "waiting")]
    assert "root has decided" in decide(admin, "deny", *ids(app))
    assert "Choose some rows" in decide(admin, "approve")
    garbage = {"csrf_token": token(admin), "act": "approve", "rowid": ["x", "-1", "9" * 30, "²", "0"]}
    assert admin.post("/requests/decide", data=garbage).status_code == 302
    assert admin.post("/requests/decide", data=garbage | {"act": "sink"}).status_code == 400
    assert admin.get("/requests/?before=x").status_code == 400


def test_an_empty_setting_switches_requests_off(app: Flask) -> None:
    app.config["RELEASE_ROLES"], app.config["REQUEST_ROLES"] = ("Admin",), ()
    mail_id = stored(app)
    bob = login(app, "bob", "Recipient")
    assert "Request release" not in shown(bob, mail_id)
    ask(bob, mail_id)
    assert ids(app) == []


def test_with_a_release_its_sender_is_allowed_and_the_mistake_told(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL, header_from="News <News@Shop.example>")
    bob, admin = login(app, "bob", "Recipient"), login(app, "root")
    assert "allow news@shop.example for me" in shown(bob, mail_id)
    form = {"csrf_token": token(bob), "to": BOB, "also": ["allow", "wrong"], "mode": "attached"}
    page = html.unescape(bob.post(f"/mails/{mail_id}/release", data=form, follow_redirects=True).get_data(as_text=True))
    assert "From now on mail from news@shop.example to bob@example.com is allowed." in page
    assert "wrongly held back" in page
    with app.app_context():
        entry = db.session.scalars(select(MapEntry)).one()
        assert (entry.value, entry.made_by) == ("news@shop.example|bob@example.com", "bob")
    assert states(app, mail_id) == [(BOB, "waiting")]
    assert "as an attachment" in seen(bob, f"/mails/{mail_id}/releases")
    assert "wrongly held back" in seen(admin, "/requests/")
    assert "1 is closed" in decide(admin, "close", *ids(app), words="mended")
    assert "mended" in shown(bob, mail_id)
    # Once more: what is there already is said, and what fails keeps nothing from going.
    again = stored(app, BOB, header_from="news@shop.example")
    assert "allow news@shop.example for me" not in shown(bob, again)
    form |= {"also": ["learn", "allow", "sink"], "mode": ""}
    page = html.unescape(bob.post(f"/mails/{again}/release", data=form, follow_redirects=True).get_data(as_text=True))
    assert "was allowed already" in page
    assert states(app, again) == [(BOB, "waiting")]
    assert bob.post(f"/mails/{again}/release", data=form | {"mode": "sink"}).status_code == 400


def test_nobody_allows_a_sender_for_somebody_else(app: Flask) -> None:
    mail_id = stored(app, BOB, header_from="news@shop.example")
    admin = login(app, "root")
    assert "for me" not in shown(admin, mail_id)
    release(admin, mail_id, BOB, also="allow")
    with app.app_context():
        assert db.session.scalars(select(MapEntry)).all() == []
    assert states(app, mail_id) == [(BOB, "waiting")]


def test_what_comes_back_says_where_it_came_from(app: Flask) -> None:
    origin = stored(app)
    back = stored(app, extra={"released_from": origin})
    bob = login(app, "bob", "Recipient")
    assert f'href="/mails/show/{origin}"' in shown(bob, back)
    assert "released by us" in shown(bob, back)
    for odd in ({"released_from": "1"}, {"released_from": [1]}):
        assert "released by us" not in shown(bob, stored(app, extra=odd))


def test_what_cannot_be_learned_keeps_nothing_from_going(app: Flask) -> None:
    mail_id = stored(app)
    admin = login(app, "root")
    assert "learn it as ham" not in shown(admin, mail_id), "no node has a controller"
    make_node(app)
    with app.app_context():
        db.session.scalars(select(Node)).one().controller_url = f"http://127.0.0.1:{free_port()}"
        db.session.commit()
    assert "learn it as ham" in shown(admin, mail_id)
    form = {"csrf_token": token(admin), "to": BOB, "also": "learn"}
    page = html.unescape(admin.post(f"/mails/{mail_id}/release", data=form, follow_redirects=True).get_data(as_text=True))
    assert "The mail goes to 1 recipient." in page
    assert "The mail is not learned as ham: " in page
    assert states(app, mail_id) == [(BOB, "waiting")]
