"""Who has a second factor and has shown the password alone is nobody, anywhere; a code counts once, for minutes, and not after many wrong ones."""

import pathlib
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.actor import SYSTEM
from app.clock import utcnow
from app.extensions import db
from app.models import AuditEvent, SecondFactor
from app.services import passwords, people, second_factor
from tests.apps import close, make_app
from tests.make import PASSWORD, login, make_user, token
from tests.security.browsers import again, cookie_of, is_in
from tests.security.conftest import Maker
from tests.security.factors import code_of, password_given, person, send_code, with_factor
from tests.servers.slapd import PASSWORD as THEIRS
from tests.servers.slapd import Slapd
from tests.test_doors import PUBLIC, doors, opens


def test_a_login_is_none_before_its_code(panel: Flask) -> None:
    """On each store of sessions and each database."""
    secret, _ = person(panel)
    client, answer = password_given(panel, query="?next=/people/")
    assert answer.location == "/login/code/?next=/people/"
    assert not is_in(client)
    before = cookie_of(client)
    assert send_code(client, "000000").status_code == 200
    assert not is_in(client)
    assert send_code(client, code_of(secret), "?next=/people/").location == "/people/"
    assert is_in(client)
    assert cookie_of(client) != before


def test_the_password_alone_opens_no_door_at_all(app: Flask) -> None:
    person(app, role="Admin")
    client, _ = password_given(app)
    app.config["WTF_CSRF_ENABLED"] = False  # the refusal would hide a door that has no other guard
    assert {rule.endpoint for rule, method in doors(app) if opens(client, app, rule, method)} <= PUBLIC | {"SecondStepView.step"}


def test_a_code_counts_once_whoever_shows_it(app: Flask) -> None:
    secret, codes = person(app)
    for code in (code_of(secret), codes[0]):
        first, second = password_given(app)[0], password_given(app)[0]
        assert send_code(first, code).status_code == 302
        send_code(second, code)
        assert not is_in(second)


def test_of_many_at_once_one_gets_in(any_app: Flask) -> None:
    secret, codes = person(any_app)
    for code in (code_of(secret), codes[0]):
        found: list[str | None] = []

        def take(code: str = code, found: list[str | None] = found) -> None:
            with any_app.app_context():
                found.append(second_factor.take_code(people.user_named("bob"), code))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len([how for how in found if how]) == 1


def test_after_five_wrong_codes_only_a_recovery_code_counts_for_a_while(app: Flask, slept: list[float]) -> None:
    secret, codes = person(app)
    client, _answer = password_given(app)
    for _ in range(5):
        send_code(client, "000000")
    assert send_code(client, code_of(secret)).status_code == 429
    assert send_code(client, codes[0]).status_code == 302
    with time_machine.travel(utcnow() + timedelta(minutes=16), tick=False):
        client, _answer = password_given(app)
        assert send_code(client, code_of(secret)).status_code == 302
    assert slept


def test_what_is_no_code_at_all_uses_up_no_try(app: Flask, slept: list[float]) -> None:
    secret, _ = person(app)
    client, _answer = password_given(app)
    for garbage in ("", "½" * 40, "a" * 100_000, "\0", "' or 1=1 --", "nöt-a-code", "12345", "aaaaa-aaaaa"):
        assert send_code(client, garbage).status_code == 200
    assert send_code(client, code_of(secret)).status_code == 302


def test_a_wrong_code_is_told_and_counted_like_a_wrong_password(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    secret, _ = person(app)
    client, _answer = password_given(app)
    send_code(client, "000000")
    assert 'login failed for "bob" from 127.0.0.1 via second_factor' in caplog.text
    with app.app_context():
        assert people.user_named("bob").fail_login_count == 1
    send_code(client, code_of(secret))
    with app.app_context():
        told = [(row.verb, row.after) for row in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))][-2:]
    assert told == [("login.failed", '{"way": "second factor"}'), ("login", '{"way": "password, code"}')]


def test_the_step_between_ends_after_five_minutes_and_with_what_it_stands_on(app: Flask) -> None:
    secret, _ = person(app)
    client, _answer = password_given(app)
    with time_machine.travel(utcnow() + timedelta(minutes=6), tick=False):
        assert send_code(client, code_of(secret)).location == "/login/"
    for change in (
        lambda user: passwords.set_password(user, "Another-Horse-77", actor=SYSTEM),
        lambda user: passwords.set_password(user, PASSWORD, actor=SYSTEM),
        lambda user: second_factor.remove(user, actor=SYSTEM),
    ):
        client, _answer = password_given(app)
        with app.app_context():
            change(people.user_named("bob"))
        assert send_code(client, code_of(secret)).location == "/login/"
        assert not is_in(client)
        with app.app_context():
            passwords.set_password(people.user_named("bob"), PASSWORD, actor=SYSTEM)


def test_nothing_of_a_forged_step_counts(app: Flask) -> None:
    person(app)
    make_user(app, "eve", "Recipient")
    eve = app.test_client()
    with eve.session_transaction() as session:
        session["_second_step"] = {"user": 1, "stamp": "0" * 64, "way": "password", "at": int(utcnow().timestamp())}
    assert send_code(eve, "000000").location == "/login/"


def test_a_program_gets_no_token_for_the_password_alone(app: Flask, client: FlaskClient) -> None:
    make_user(app, "bob", "Recipient")
    sent = {"username": "bob", "password": PASSWORD, "provider": "db"}
    old = client.post("/api/v1/security/login", json=sent).get_json()["access_token"]
    with_factor(app, "bob")
    answer = client.post("/api/v1/security/login", json=sent)
    assert answer.status_code == 403
    assert "API key" in answer.get_json()["message"]
    assert client.get("/api/v1/mail/", headers={"Authorization": f"Bearer {old}"}).status_code == 401
    assert client.post("/api/v1/security/login", json=sent | {"password": "wrong"}).status_code == 401


def test_setting_it_up_and_taking_it_away_end_the_logins_there_are(panel: Flask) -> None:
    before = login(panel, "bob", role="Recipient")
    secret, _ = with_factor(panel, "bob")
    assert not is_in(before)
    client, _answer = password_given(panel)
    send_code(client, code_of(secret))
    assert is_in(client)
    with panel.app_context():
        second_factor.remove(people.user_named("bob"), actor=SYSTEM)
    assert not is_in(client)
    assert is_in(again(panel, "bob"))


def test_the_tables_alone_make_no_codes(app: Flask, tmp_path: pathlib.Path) -> None:
    """Another SECRET_KEY, as with a stolen database, reads nothing; and a row put on another account counts nothing there."""
    secret, codes = person(app)
    with app.app_context():
        row = db.session.scalars(select(SecondFactor)).one()
        assert secret not in row.secret
        kept = row.secret
    other = make_app(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path / "thief", SECRET_KEY="x" * 40)
    client, _answer = password_given(other)
    assert send_code(client, code_of(secret)).status_code == 503
    assert send_code(client, codes[0]).status_code == 200
    close(other)
    person(app, "eve")
    with app.app_context():
        db.session.execute(SecondFactor.__table__.update().where(SecondFactor.user_id != row.user_id).values(secret=kept))  # type: ignore[attr-defined]
        db.session.commit()
    client, _answer = password_given(app, "eve")
    assert send_code(client, code_of(secret)).status_code == 503


def test_it_is_asked_after_the_ways_that_the_site_names(app_asking: Maker, slapd: Slapd) -> None:
    for ways, location in ((("password", "directory"), "/login/code/"), (("password",), "/")):
        app = app_asking(slapd.url, SECOND_FACTOR_WAYS=ways)
        app.test_client().post("/login/", data={"username": "alice", "password": THEIRS})
        with app.app_context():
            has_one = people.user_named("alice").second_factor is not None
        if not has_one:
            with_factor(app, "alice")
        assert app.test_client().post("/login/", data={"username": "alice", "password": THEIRS}).location == location


def test_no_door_for_programs_takes_the_password_alone_whatever_browsers_are_asked(app: Flask) -> None:
    person(app)
    app.config["SECOND_FACTOR_WAYS"] = ("directory",)
    assert password_given(app)[1].location == "/"
    program = app.test_client()
    assert program.post("/api/v1/security/login", json={"username": "bob", "password": PASSWORD, "provider": "db"}).status_code == 403
    assert program.get("/api/v1/mail/", auth=("bob", PASSWORD)).status_code == 401


def test_the_code_page_is_nothing_for_who_has_not_shown_a_password(client: FlaskClient) -> None:
    assert client.get("/login/code/").location == "/login/"
    assert client.post("/login/code/", data={"code": "1", "csrf_token": token(client, "/login/")}).location == "/login/"


def test_after_the_code_nobody_is_sent_elsewhere(app: Flask) -> None:
    secret, _ = person(app)
    client, _answer = password_given(app, query="?next=https://evil.example/")
    assert send_code(client, code_of(secret), "?next=https://evil.example/").location == "/"
