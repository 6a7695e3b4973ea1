"""When the links of a letter no longer count, and how a letter ends the letters."""

import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.actor import SYSTEM
from app.clock import utcnow
from app.extensions import db
from app.models import Mail, NoticeChoice, NoticeRefusal, UserAddress
from app.models.people import User
from app.queries.people import Reach
from app.services.notice_acts import void
from tests.apps import close
from tests.databases import SqliteCopies
from tests.letter_links import NOTHING, PUBLIC, done, form_of, letter, link, of_bob, press, tell_everybody
from tests.make import make_user
from tests.releases import BOB, releasing_app, stored


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    more = {"PUBLIC_URL": PUBLIC, "UNDO_SECONDS": 3600}
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "smtp://127.0.0.1:9", **more)
    make_user(app, "bob", role="Recipient")
    yield app
    close(app)


def test_each_link_that_no_longer_counts_says_why(app: Flask) -> None:
    client, mails = app.test_client(), (stored(app), stored(app))
    old, revoked = (of_bob(app, mail) for mail in mails)
    texts = {"too old": link(app, old, mails[0], "release"), "was revoked": link(app, revoked, mails[1], "release")}
    with app.app_context():
        void(Reach(everybody=True), revoked, actor=SYSTEM)
    with time_machine.travel(utcnow() + timedelta(days=14, minutes=1), tick=False):
        for words, text in texts.items():
            for answer in (
                client.get("/notice", query_string={"link": text}),
                client.post("/notice", data={"link": text, "answer": "yes"}),
            ):
                assert answer.status_code == 410
                assert words in answer.get_data(as_text=True)
    assert done(app) == NOTHING


def test_links_end_with_what_they_stood_on(app: Flask) -> None:
    mail, client = stored(app), app.test_client()
    text = link(app, of_bob(app, mail), mail, "release")

    def answers() -> tuple[int, str]:
        answer = client.get("/notice", query_string={"link": text})
        return answer.status_code, "no longer counts" if "no longer counts" in answer.get_data(as_text=True) else ""

    def change(**values: object) -> None:
        with app.app_context():
            bob = db.session.scalars(select(User).where(User.username == "bob")).one()
            for name, value in values.items():
                setattr(bob, name, value)
            db.session.commit()

    assert answers() == (200, "")
    for bad, good in (({"active": False}, {"active": True}), ({"email": "robert@example.com"}, {"email": BOB}), ({"roles": []}, None)):
        change(**bad)
        assert answers() == (410, "no longer counts")
        if good:
            change(**good)
            assert answers() == (200, "")
    assert done(app) == NOTHING


def test_of_a_mail_that_is_gone_it_says_so(app: Flask) -> None:
    mail, client = stored(app), app.test_client()
    text = link(app, of_bob(app, mail), mail, "release")
    with app.app_context():
        db.session.delete(db.session.get(Mail, mail))
        db.session.commit()
    answer = client.get("/notice", query_string={"link": text})
    assert answer.status_code == 410
    assert "is gone" in answer.get_data(as_text=True)


def test_a_letter_ends_letters_from_the_page_and_by_one_post(app: Flask) -> None:
    tell_everybody(app)
    mail, client = stored(app, "dora@example.com"), app.test_client()
    text = link(app, letter(app, "address:dora@example.com", "dora@example.com", mail), mail, "unsubscribe")
    page = client.get("/notice/unsubscribe", query_string={"link": text})
    assert (page.status_code, refusals(app)) == (200, [])
    assert client.head("/notice/unsubscribe", query_string={"link": text}).status_code == 200
    for _ in range(2):
        answer = client.post("/notice/unsubscribe", query_string={"link": text}, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, refusals(app)) == (200, ["dora@example.com"])
        assert "Set-Cookie" not in answer.headers
    with time_machine.travel(utcnow() + timedelta(days=80), tick=False):
        assert client.post("/notice/unsubscribe", data={"link": text}).status_code == 200
    release = link(app, 1, mail, "release")
    assert client.post("/notice/unsubscribe", data={"link": release}).status_code == 404


def refusals(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(NoticeRefusal.address)))


def test_a_further_address_that_was_lost_takes_its_mail_along(app: Flask) -> None:
    with app.app_context():
        bob = db.session.scalars(select(User).where(User.username == "bob")).one()
        db.session.add(UserAddress(user_id=bob.id, address="sales@example.com", created_at=bob.created_on))
        db.session.commit()
        owner = f"user:{bob.id}"
    mail, client = stored(app, "sales@example.com"), app.test_client()
    text = link(app, letter(app, owner, BOB, mail), mail, "release")
    form = form_of(client, text)
    with app.app_context():
        db.session.delete(db.session.scalars(select(UserAddress)).one())
        db.session.commit()
    assert client.post("/notice", data=form).status_code == 410
    assert done(app) == NOTHING


def test_at_the_portal_and_below_a_path_a_link_is_pressed_as_well(app: Flask, tmp_path: pathlib.Path) -> None:
    """By another process on the same database."""
    mail = stored(app)
    text = link(app, of_bob(app, mail), mail, "release")
    url, store = app.config["SQLALCHEMY_DATABASE_URI"], app.config["STORE_URL"]
    more = {"ROLES": ("portal",), "PORTAL_URL": f"{PUBLIC}/mine", "STORE_URL": store, "UNDO_SECONDS": 3600}
    portal = releasing_app(url, tmp_path, "smtp://127.0.0.1:9", **more)
    client = portal.test_client()
    page = client.get("/mine/notice", query_string={"link": text}).get_data(as_text=True)
    assert 'action="/mine/notice"' in page
    assert 'href="/mine/static/css/letter-links.css' in page
    assert client.get("/mine/notice", query_string={"link": text[:-3]}).status_code == 404
    assert press(client, text, path="/mine/notice")[0] == 200
    assert done(app) == NOTHING | {"Release": 1, "NoticeUse": 1}
    close(portal)


def test_a_list_that_is_full_does_not_hide_that_the_mail_went(app: Flask) -> None:
    app.config["OWN_ENTRIES"] = 0
    mail = stored(app)
    status, page = press(app.test_client(), link(app, of_bob(app, mail), mail, "allow"))
    assert done(app) == NOTHING | {"Release": 1, "NoticeUse": 1}
    assert status == 200
    assert "The mail is on its way" in page
    assert "at most 0 entries" in page
    assert "Nothing was done" not in page


def test_who_took_over_an_address_ends_no_letters_of_who_had_it(app: Flask) -> None:
    text = link(app, of_bob(app, stored(app)), 0, "unsubscribe")
    with app.app_context():
        db.session.query(User).filter_by(username="bob").one().email = "bob@new.example"
        db.session.commit()
    assert app.test_client().post(f"/notice/unsubscribe?link={text}", data={"List-Unsubscribe": "One-Click"}).status_code == 410
    with app.app_context():
        assert db.session.query(NoticeChoice).count() == 0
