"""The API's tokens stand on the same as a login: what ends one ends the other."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.services import people
from tests.make import PASSWORD, login
from tests.security.test_sessions import ENDS, ended_by_an_admin

API = "/api/v1/mail/"


@pytest.fixture(autouse=True)
def long_key(app: Flask) -> None:
    app.config["JWT_SECRET_KEY"] = "tests-only-" + "0" * 32


def tokens(app: Flask, name: str) -> dict[str, dict[str, str]]:
    """Headers with the token for asking, and with the one for a new token."""
    sent = {"username": name, "password": PASSWORD, "provider": "db", "refresh": True}
    found = app.test_client().post("/api/v1/security/login", json=sent).json
    return {kind: {"Authorization": f"Bearer {found[f'{kind}_token']}"} for kind in ("access", "refresh")}


@pytest.mark.parametrize("change", [end for end in ENDS if end is not ended_by_an_admin], ids=lambda change: change.__name__)
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
