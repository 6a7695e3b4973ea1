"""Browsers of people: a second one, one with a stolen cookie, and what their requests write."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.extensions import db
from app.services import people
from tests.make import PASSWORD, token

PAGE = "/mails/list/"


def cookie_of(client: FlaskClient) -> str:
    found = client.get_cookie("session")
    assert found
    return found.value


def thief(app: Flask, client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    other = app.test_client()
    other.set_cookie("session", cookie_of(client))
    return other


def is_in(client: FlaskClient) -> bool:
    return client.get(PAGE).status_code == 200


def again(app: Flask, name: str, password: str = PASSWORD) -> FlaskClient:
    """One more browser of somebody who has an account already."""
    client = app.test_client()
    sent = {"username": name, "password": password, "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=sent).status_code == 302
    return client


def user_id(app: Flask, name: str) -> int:
    with app.app_context():
        return people.user_named(name).id


def written(app: Flask, act: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return seen
