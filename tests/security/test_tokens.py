"""The API's tokens stand on the same as a login: what ends one ends the other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.clock import utcnow
from app.services import people
from tests.make import PASSWORD, login, token
from tests.security.test_sessions import ENDS

API = "/api/v1/mail/"


@pytest.fixture(autouse=True)
def long_key(app: Flask) -> None:
    app.config["JWT_SECRET_KEY"] = "tests-only-" + "0" * 32


def tokens(app: Flask, name: str) -> dict[str, dict[str, str]]:
    """Headers with the token for asking, and with the one for a new token."""
    sent = {"username": name, "password": PASSWORD, "provider": "db", "refresh": True}
    found = app.test_client().post("/api/v1/security/login", json=sent).json
    return {kind: {"Authorization": f"Bearer {found[f'{kind}_token']}"} for kind in ("access", "refresh")}


@pytest.mark.parametrize("change", ENDS, ids=lambda change: change.__name__)
def test_a_token_ends_with_what_it_stands_on(app: Flask, change: Callable[[Any], None]) -> None:
    login(app, "admin")
    login(app, "alice", role="Auditor")
    held, client = tokens(app, "alice"), app.test_client()
    assert client.get(API, headers=held["access"]).status_code == 200
    fresh = client.post("/api/v1/security/refresh", headers=held["refresh"])
    assert client.get(API, headers={"Authorization": f"Bearer {fresh.json['access_token']}"}).status_code == 200
    with app.app_context():
        change(people.user_named("alice"))
    assert client.get(API, headers=held["access"]).status_code == 401
    assert client.post("/api/v1/security/refresh", headers=held["refresh"]).status_code == 401


def test_a_token_without_a_stamp_is_none(app: Flask) -> None:
    from flask_jwt_extended import create_access_token

    login(app, "admin")
    with app.app_context():
        user = people.user_named("admin")
        forged = create_access_token(identity=str(user.id), additional_claims={"stamp": ""})
    assert app.test_client().get(API, headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_token_stands_on_the_list_of_sessions_and_ends_there(app: Flask) -> None:
    alice = login(app, "alice", role="Recipient")
    held, other, client = tokens(app, "alice"), tokens(app, "alice"), app.test_client()
    page = alice.get("/sessions/").get_data(as_text=True)
    assert page.count('name="session"') == 2, "one each, for both its tokens"
    sent = {"session": page.partition('name="session" value="')[2].partition('"')[0], "csrf_token": token(alice)}
    assert alice.post("/sessions/end", data=sent).status_code == 302
    assert sorted(client.get(API, headers=each["access"]).status_code for each in (held, other)) == [200, 401]
    assert sorted(client.post("/api/v1/security/refresh", headers=each["refresh"]).status_code for each in (held, other)) == [200, 401]
    alice.post("/sessions/end-others", data={"csrf_token": token(alice)})
    assert {client.get(API, headers=each["access"]).status_code for each in (held, other)} == {401}


def test_a_token_ends_as_a_browsers_login_does_without_requests(app: Flask) -> None:
    login(app, "alice", role="Recipient")
    held, client, now = tokens(app, "alice"), app.test_client(), utcnow()
    with time_machine.travel(now + timedelta(hours=3)):
        fresh = client.post("/api/v1/security/refresh", headers=held["refresh"])
        assert fresh.status_code == 200
    with time_machine.travel(now + timedelta(hours=6)):
        assert client.post("/api/v1/security/refresh", headers=held["refresh"]).status_code == 200
    with time_machine.travel(now + timedelta(hours=11)):
        assert client.post("/api/v1/security/refresh", headers=held["refresh"]).status_code == 401


def test_the_login_of_a_token_is_no_cookie(app: Flask) -> None:
    import jwt

    login(app, "alice", role="Recipient")
    claims = jwt.decode(tokens(app, "alice")["access"]["Authorization"][7:], options={"verify_signature": False})
    thief = app.test_client()
    thief.set_cookie("session", claims["login"])
    assert thief.get("/mails/list/").status_code == 302
