"""The header of a proxy: off by default, from listed addresses only, and a session that ends with it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.people import find_user
from tests.make import PASSWORD, make_user
from tests.security.conftest import Maker, typed
from tests.servers.slapd import Slapd

HEADER = "X-Remote-User"
ON: dict[str, Any] = {"LDAP_SERVERS": (), "REMOTE_USER_HEADER": HEADER, "REMOTE_USER_FROM": ("10.0.0.5", "2001:db8::/64")}


def opened(client: FlaskClient, name: str | None, peer: str = "10.0.0.5", path: str = "/mails/list/", **more: str) -> Any:
    headers = ({HEADER: name.encode().decode("latin-1")} if name is not None else {}) | more
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": peer})


def who(client: FlaskClient, name: str | None, peer: str = "10.0.0.5", **more: str) -> str:
    """Where somebody ends who wants to see the log."""
    way_in = opened(client, name, peer, path="/login/?next=/mails/list/", **more)
    return "in" if opened(client, name, peer, **more).status_code == 200 and way_in.location == "/mails/list/" else "/login/"


def exists(app: Flask, name: str) -> bool:
    with app.app_context():
        return find_user(name) is not None


@pytest.mark.parametrize("peer", ["10.0.0.5", "2001:db8::7", "::ffff:10.0.0.5"])
def test_a_listed_proxy_is_believed(app_asking: Maker, peer: str) -> None:
    app = app_asking(**ON)
    assert who(app.test_client(), "Jürgen", peer) == "in"
    assert exists(app, "jürgen")


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", ""])
def test_nobody_else_is(app_asking: Maker, peer: str) -> None:
    app = app_asking(**ON)
    assert who(app.test_client(), "alice", peer) == "/login/"
    assert who(app.test_client(), "alice", peer, **{"X-Forwarded-For": "10.0.0.5"}) == "/login/"
    assert not exists(app, "alice")


def test_it_is_off_by_default(app: Flask) -> None:
    assert who(app.test_client(), "alice", "127.0.0.1") == "/login/"


def test_the_connection_counts_and_not_what_a_proxy_says_of_it(app_asking: Maker) -> None:
    """Behind a trusted proxy REMOTE_ADDR is the visitor's: one who comes from a listed address is no proxy for that."""
    app = app_asking(**ON | {"TRUSTED_PROXIES": ("192.0.2.0/24",)})
    assert who(app.test_client(), "alice", "192.0.2.1", **{"X-Forwarded-For": "10.0.0.5"}) == "/login/"
    app = app_asking(**ON | {"TRUSTED_PROXIES": ("10.0.0.5",)})
    assert who(app.test_client(), "alice", "10.0.0.5", **{"X-Forwarded-For": "203.0.113.9"}) == "in"


@pytest.mark.parametrize("later", ["bob", "", None])
def test_the_session_ends_when_the_proxy_no_longer_names_that_person(app_asking: Maker, later: str | None) -> None:
    app = app_asking(**ON)
    client = app.test_client()
    assert who(client, "alice") == "in"
    answer = client.get("/mails/list/", headers={HEADER: later} if later is not None else {}, environ_overrides={"REMOTE_ADDR": "10.0.0.5"})
    assert answer.status_code == 302
    assert client.get("/mails/list/", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 302


@pytest.mark.parametrize("name", ["", "  ", "a" * 129, "a\x7fb"])
def test_odd_names_are_nobody(app_asking: Maker, name: str) -> None:
    assert who(app_asking(**ON).test_client(), name) == "/login/"


def test_the_header_twice_is_nobody(app_asking: Maker) -> None:
    """WSGI joins them with a comma: that is no name a proxy writes, and makes an account of its own at most."""
    app = app_asking(**ON)
    make_user(app, "alice")
    client = app.test_client()
    client.get("/login/", headers=[(HEADER, "alice"), (HEADER, "bob")], environ_overrides={"REMOTE_ADDR": "10.0.0.5"})
    assert not exists(app, "bob")


def test_an_account_with_a_password_is_the_proxy_s_only_where_accounts_are_linked(app_asking: Maker) -> None:
    app = app_asking(**ON)
    make_user(app, "root")
    assert opened(app.test_client(), "root", path="/login/").status_code == 403
    assert who(app_asking(**ON, LINK_ACCOUNTS=True).test_client(), "root") == "in"


def test_the_form_works_beside_it(app_asking: Maker) -> None:
    app = app_asking(**ON)
    make_user(app, "root")
    client, answer = typed(app, "root", PASSWORD)
    assert answer.status_code == 302
    assert client.get("/mails/list/").status_code == 200


def test_a_name_of_the_directory_is_that_account(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url, **{name: value for name, value in ON.items() if name != "LDAP_SERVERS"})
    assert who(app.test_client(), "bob") == "in"
    with app.app_context():
        found = find_user("bob")
        assert found
        assert found.email == "bob@example.com"
    assert typed(app, "bob", "Directory-Horse-1")[1].status_code == 302
    away = app_asking("ldap://127.0.0.1:1", **{name: value for name, value in ON.items() if name != "LDAP_SERVERS"})
    assert opened(away.test_client(), "carol", path="/login/").status_code == 503
    assert not exists(away, "carol")
