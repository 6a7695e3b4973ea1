"""A new password by a mailed link: whom it reaches, what it stands on, and that it works once."""

import pathlib
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask_babel import get_locale
from sqlalchemy import select

from app.actor import Actor
from app.clock import utcnow
from app.extensions import db
from app.models import Verb
from app.models.people import User, UserSetting
from app.security.reset import MOST_AN_HOUR, Purpose, _link, choose_password, user_of
from app.security.reset import ask as by_mail
from app.services.background import Background
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import PASSWORD, login, make_user, token
from tests.security.links import MAILS, NEW, PUBLIC, ask, can_log_in, choose, events, link_in, set_user
from tests.servers.relay import Relay


@pytest.fixture(scope="module")
def one_relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


@pytest.fixture
def relay(one_relay: Relay) -> Relay:
    one_relay.envelopes.clear()
    one_relay.refuse.clear()
    return one_relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, SMTP_URL=relay.url, **MAILS)
    make_user(app, "bob", "Recipient")
    yield app
    close(app)


@pytest.mark.parametrize("name", ["bob", "BOB@example.com"])
def test_a_forgotten_password_is_replaced(app: Flask, relay: Relay, name: str) -> None:
    browser = app.test_client()
    browser.post("/login/", data={"username": "bob", "password": PASSWORD, "csrf_token": token(browser, "/login/")})
    with app.app_context():
        user = db.session.scalars(select(User).where(User.username == "bob")).one()
        db.session.add(UserSetting(user_id=user.id, owes_password=True))
        db.session.commit()
    assert "Forgotten your password?" in app.test_client().get("/login/").get_data(as_text=True)
    ask(app, name)
    assert relay.envelopes[0].rcpt_tos == ["bob@example.com"]
    status, _page = choose(app, link_in(relay))
    assert status == 302
    assert (can_log_in(app, NEW), can_log_in(app, PASSWORD)) == (True, False)
    assert browser.get("/profile/").status_code == 302, "a session from before goes on"
    with app.app_context():
        assert not db.session.scalars(select(UserSetting)).one().owes_password
    assert events(app, Verb.PASSWORD_RESET_ASKED) == [("", "bob", '{"mail": "bob@example.com"}')]
    assert events(app, Verb.PASSWORD_SET)[-1] == ("bob", "bob", '{"way": "link"}')
    assert choose(app, link_in(relay))[0] == 410


def test_the_link_logs_nobody_in_and_a_get_changes_nothing(app: Flask, relay: Relay) -> None:
    ask(app, "bob")
    client = app.test_client()
    link = link_in(relay)
    for _ in range(2):  # as scanners of mail do
        page = client.get("/password/choose", query_string={"link": link})
        assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in page.headers["Cache-Control"]
    fields = {"csrf_token": token(client, f"/password/choose?link={link}"), "link": link, "new": NEW, "again": NEW}
    assert client.post("/password/choose", data=fields).status_code == 302
    assert client.get("/profile/").status_code == 302


def test_the_answer_is_the_same_and_only_an_account_of_ours_gets_a_link(app: Flask, relay: Relay) -> None:
    make_user(app, "off", "Recipient")
    make_user(app, "ldap", "Recipient")
    set_user(app, "off", active=False)
    set_user(app, "ldap", password=None)
    pages = {
        name: ask(app, name).get("/login/").get_data(as_text=True) for name in ("bob", "off", "ldap", "nobody", "x" * 400, "\u202ebob")
    }
    pages = {name: re.sub(r'value="[^"]*"', "", page) for name, page in pages.items()}
    assert len(set(pages.values())) == 1
    assert [each.rcpt_tos for each in relay.envelopes] == [["bob@example.com"], ["ldap@example.com"]]
    assert "change it where your account comes from" in relay.messages[1].get_content()
    assert PUBLIC not in relay.messages[1].get_content()


def test_nothing_of_the_account_is_looked_at_before_the_answer(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time that an answer takes tells nothing."""
    waiting: list[object] = []
    monkeypatch.setattr(Background, "do", lambda _self, work: waiting.append(work))
    for name in ("bob", "nobody"):
        ask(app, name)
    assert len(waiting) == 2
    assert (relay.envelopes, events(app, Verb.PASSWORD_RESET_ASKED)) == ([], [])


def test_no_more_than_a_few_mails_an_hour(app: Flask, relay: Relay) -> None:
    for _ in range(MOST_AN_HOUR + 2):
        ask(app, "bob")
    assert len(relay.envelopes) == MOST_AN_HOUR
    with time_machine.travel(utcnow() + timedelta(minutes=61)):
        ask(app, "bob")
    assert len(relay.envelopes) == MOST_AN_HOUR + 1


def test_an_address_asks_as_often_as_it_may_log_in(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, RATELIMIT_ENABLED=True, AUTH_RATE_LIMIT="2 per hour", WTF_CSRF_ENABLED=False)
    client = app.test_client()
    assert [client.post("/password/forgotten", data={"name": "x"}).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/password/forgotten").status_code == 200
    close(app)


def test_a_forged_host_is_in_no_link(app: Flask, relay: Relay) -> None:
    ask(app, "bob", host="evil.example")
    assert "evil" not in relay.messages[0].as_string()
    assert link_in(relay)


def test_a_link_ends_with_what_it_stands_on(app: Flask, relay: Relay) -> None:
    ask(app, "bob")
    link = link_in(relay)
    with app.app_context():
        before = db.session.scalars(select(User.password).where(User.username == "bob")).one()
    for change in ({"email": "new@example.com"}, {"active": False}, {"password": None}, {"password": "scrypt:another"}):
        set_user(app, **change)
        assert choose(app, link)[0] == 410, change
        set_user(app, email="bob@example.com", active=True, password=before)
    for moment, status in ((timedelta(minutes=59), 200), (timedelta(minutes=61), 410)):
        with time_machine.travel(utcnow() + moment):
            assert app.test_client().get(f"/password/choose?link={link}").status_code == status
    app.secret_key = "another-secret-0123456789"
    assert choose(app, link)[0] == 410


def test_a_link_is_for_its_account_and_purpose(app: Flask) -> None:
    make_user(app, "carol", "Recipient")
    with app.app_context(), app.test_request_context():
        bob, carol = (db.session.scalars(select(User).where(User.username == name)).one() for name in ("bob", "carol"))
        link = _link(bob, Purpose.RESET).partition("link=")[2]
        purpose, number, expires, seal = link.split(".")
        assert user_of(link) == bob
        for forged in (
            f"{purpose}.{carol.id}.{expires}.{seal}",
            f"invitation.{number}.{expires}.{seal}",
            f"{purpose}.{number}.{int(expires) + 1}.{seal}",
            f"{purpose}.{number}.{expires}.{'0' * 64}",
            f"{purpose}.{number}.{expires}.",
            f"{purpose}.٣.{expires}.{seal}",
            f"{purpose}.999999999.{expires}.{seal}",
            link + "\n",
            "",
            "\0",
            "é" * 5000,
        ):
            assert user_of(forged) is None, forged
        with time_machine.travel(utcnow() + timedelta(days=6)):
            assert user_of(link) is None
        invitation = _link(bob, Purpose.INVITATION).partition("link=")[2]
        with time_machine.travel(utcnow() + timedelta(days=6)):
            assert user_of(invitation) == bob
        with time_machine.travel(utcnow() + timedelta(days=8)):
            assert user_of(invitation) is None


def test_a_poor_password_leaves_the_link_as_it_was(app: Flask, relay: Relay) -> None:
    ask(app, "bob")
    link = link_in(relay)
    assert "at least 10 characters" in choose(app, link, "short")[1]
    assert "not the same" in choose(app, link, NEW, "Other-Horse-7788")[1]
    assert can_log_in(app, PASSWORD)
    assert choose(app, link)[0] == 302


def test_of_two_uses_at_once_one_counts(any_app: Flask, relay: Relay) -> None:
    any_app.config.update(SMTP_URL=relay.url, **MAILS)
    make_user(any_app, "bob", "Recipient")
    with any_app.app_context():
        link = _link(db.session.scalars(select(User).where(User.username == "bob")).one(), Purpose.RESET).partition("link=")[2]
    together, outcomes = threading.Barrier(4), []

    def use(number: int) -> None:
        with any_app.test_request_context("/password/choose", method="POST"):
            together.wait()
            try:
                choose_password(link, f"Password-of-{number}", ip="")
                outcomes.append(number)
            except Exception as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes))[1:] == ["Conflict"] * 3
    winner = next(each for each in outcomes if isinstance(each, int))
    assert can_log_in(any_app, f"Password-of-{winner}")


def test_letters_speak_the_language_of_their_reader(app: Flask, relay: Relay) -> None:
    with app.app_context():
        user = db.session.scalars(select(User).where(User.username == "bob")).one()
        db.session.add(UserSetting(user_id=user.id, language="de"))
        db.session.commit()
    spoken = set()
    app.jinja_env.globals["gettext"] = lambda text, **_values: spoken.add(str(get_locale())) or text
    with app.app_context():
        by_mail("bob", Actor("", None, ""))
    assert (spoken, len(relay.envelopes)) == ({"de"}, 1)


def test_names_become_neither_headers_nor_lines(app: Flask, relay: Relay) -> None:
    app.config["APP_NAME"] = 'Post "Köln"\r\nBcc: eve@example.net'
    set_user(app, first_name='Bob\r\n\r\nhttps://evil.example "x" <b>')
    ask(app, "bob")
    mail = relay.messages[0]
    assert mail["Bcc"] is None
    assert [each.addr_spec for each in mail["From"].addresses] == ["keep@example.com"]
    assert not [line for line in mail.get_content().splitlines() if line.startswith("https://evil")]
    assert relay.envelopes[0].rcpt_tos == ["bob@example.com"]


@pytest.mark.parametrize("missing", ["SMTP_URL", "PUBLIC_URL"])
def test_where_no_mail_is_sent_the_pages_say_so(app: Flask, relay: Relay, missing: str) -> None:
    app.config[missing] = ""
    client = app.test_client()
    assert "Forgotten" not in client.get("/login/").get_data(as_text=True)
    fields = {"csrf_token": token(client, "/password/forgotten"), "name": "bob"}
    for answer in (client.get("/password/forgotten"), client.post("/password/forgotten", data=fields)):
        assert "An administrator gives you a new password" in answer.get_data(as_text=True)
    app.extensions["mailkeep_background"].wait()
    assert relay.envelopes == []


def test_the_key_is_in_no_log(app: Flask, relay: Relay, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level("DEBUG")
    ask(app, "bob")
    link = link_in(relay)
    monkeypatch.setattr("app.views.reset.user_of", lambda _link: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert app.test_client().get("/password/choose", query_string={"link": link}).status_code == 500
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # the test relay's
    assert ours
    assert link.rpartition(".")[2] not in " ".join(ours)


def test_a_relay_that_is_away_is_a_line_in_the_log(app: Flask, relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.refuse.add("bob@example.com")
    ask(app, "bob")
    assert "550 5.1.1 no such user here" in caplog.text
    relay.refuse.clear()
    ask(app, "bob")
    assert len(relay.envelopes) == 1, "what fails stops what comes after it"
    assert login(app, "alice").get("/password/forgotten").status_code == 200
