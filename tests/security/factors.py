"""People with a second factor, and what their devices show."""

import re
import time
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.actor import SYSTEM
from app.clock import utcnow
from app.services import people, second_factor
from app.services.one_time_codes import STEP_SECONDS, code_at, step_of
from tests.make import PASSWORD, make_user, token


def code_of(secret: str, later: int = 0) -> str:
    """The code of now, or of some steps later."""
    return code_at(secret, step_of(utcnow().timestamp()) + later)


def code_before(secret: str) -> str:
    """The code of a step ago, which a slow machine must not find two steps old."""
    into = utcnow().timestamp() % STEP_SECONDS
    if into > STEP_SECONDS - 8:
        time.sleep(STEP_SECONDS - into + 0.1)
    return code_of(secret, -1)


def with_factor(app: Flask, name: str) -> tuple[str, list[str]]:
    """The secret and the recovery codes. The code of now is still to be used, as if it had been set up a minute ago."""
    with app.app_context():
        user = people.user_named(name)
        offered = second_factor.offer(user)
        secret = second_factor.secret_offered(user, offered)
        assert secret
        codes = second_factor.set_up(user, offered, code_of(secret, -1), actor=SYSTEM)
    return secret, codes


def person(app: Flask, name: str = "bob", role: str = "Recipient") -> tuple[str, list[str]]:
    make_user(app, name, role)
    return with_factor(app, name)


def password_given(app: Flask, name: str = "bob", query: str = "") -> tuple[FlaskClient, Any]:
    """A browser after the first step, and what it was answered."""
    client = app.test_client()
    sent = {"username": name, "password": PASSWORD, "csrf_token": token(client, "/login/")}
    return client, client.post(f"/login/{query}", data=sent)


def send_code(client: FlaskClient, code: str, query: str = "") -> Any:
    shown = client.get("/login/code/")
    if shown.status_code != 200:
        return shown
    return client.post(f"/login/code/{query}", data={"code": code, "csrf_token": token(client, "/login/code/")})


def offered_in(page: str) -> str:
    found = re.search(r'name="offered" value="([^"]+)"', page)
    assert found
    return found[1]


def secret_in(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return found[1].replace(" ", "")


def codes_in(page: str) -> list[str]:
    found = re.search(r'id="mk-codes">([^<]+)<', page)
    assert found
    return found[1].split()
