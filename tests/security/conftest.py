"""The panel on each store of sessions; a directory, and apps that ask it."""

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.people import User, UserAddress
from app.services.people import find_user
from tests.apps import close, make_app
from tests.databases import KINDS, SqliteCopies
from tests.servers.provider import Provider
from tests.servers.slapd import BASE, READER, READER_PASSWORD, Authority, Slapd

Maker = Callable[..., Flask]


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def slapd(authority: Authority) -> Iterator[Slapd]:
    with Slapd(authority) as server:
        yield server


@pytest.fixture
def app_asking(authority: Authority, sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Maker]:
    """An app that asks these servers, with other settings by name."""
    made: list[Flask] = []

    def make(*servers: str, **settings: Any) -> Flask:
        usual: dict[str, Any] = {
            "LDAP_SERVERS": servers,
            "LDAP_CA_FILE": authority.file,
            "LDAP_BASE_DN": BASE,
            "LDAP_BIND_DN": READER,
            "LDAP_BIND_PASSWORD": READER_PASSWORD,
            "LDAP_TIMEOUT": 1.0,
            "WTF_CSRF_ENABLED": False,
        }
        url = sqlite_copies.make(tmp_path) if not made else made[0].config["SQLALCHEMY_DATABASE_URI"]
        made.append(make_app(url, tmp_path, **usual | settings))
        return made[-1]

    yield make
    for app in made:
        close(app)


def typed(app: Flask, username: str, password: str) -> tuple[FlaskClient, Any]:
    """A browser, and what the login form answered."""
    client = app.test_client()
    return client, client.post("/login/", data={"username": username, "password": password}, follow_redirects=False)


def is_in(client: FlaskClient) -> bool:
    return client.get("/mails/list/").status_code == 200


def account(app: Flask, name: str) -> User | None:
    with app.app_context():
        user = find_user(name)
        if user is not None:
            assert [user.roles, user.email]  # read while the session is there
            db.session.expunge_all()
        return user


def roles(app: Flask, name: str) -> set[str]:
    user = account(app, name)
    assert user
    return {role.name for role in user.roles}


def further(app: Flask, name: str) -> list[tuple[str, str]]:
    with app.app_context():
        user = find_user(name)
        assert user
        rows = select(UserAddress.address, UserAddress.source).where(UserAddress.user_id == user.id).order_by(UserAddress.address)
        return [tuple(row) for row in db.session.execute(rows)]


@pytest.fixture(params=[*KINDS, "redis"])
def panel(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on each store."""
    kind = "sqlite" if request.param == "redis" else request.param
    copies = request.getfixturevalue(f"{kind}_copies")
    settings = {}
    if request.param == "redis":
        settings["SESSION_STORE"] = request.getfixturevalue("redis_server").url
        redis.Redis.from_url(settings["SESSION_STORE"]).flushdb()
    url = copies.make(tmp_path)
    app = make_app(url, tmp_path, **settings)
    yield app
    close(app)
    copies.drop(url)


@pytest.fixture(scope="session")
def one_provider() -> Iterator[Provider]:
    with Provider() as server:
        yield server


@pytest.fixture
def provider(one_provider: Provider) -> Provider:
    one_provider.reset()
    return one_provider
