"""Every route has a guard, tried from outside; and no GET changes anything, tried as an admin."""

import pathlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from app.extensions import db
from app.security import sessions
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, make_mails, make_node, make_user

# What doors refuse, these walks would wait for as who guesses does.
pytestmark = pytest.mark.usefixtures("slept")


STRANGER = {"REMOTE_ADDR": "203.0.113.9"}
# Public by decision, not by silence.
PUBLIC = {
    "Home.index",  # leads to the login
    "LoginView.login",
    "LoginView.logout",
    "LimitedSecurityApi.login",
    "LanguageView.choose",
    "ProviderView.begin",  # of no provider: 404
    "ProviderView.callback",
    "PasswordLinkView.forgotten",
    "PasswordLinkView.choose",
    "PasswordLinkView.chosen",
    "ThemeView.choose",
    "UtilView.back",
    "appbuilder.static",
    *(
        "notice_links.show",
        "notice_links.pressed",
        "notice_links.unsubscribe",
        "notice_links.unsubscribed",
    ),  # the link is the key: 404 without
    "health.healthz",
    "health.readyz",  # no details for strangers
    "static",
}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """Without CSRF tokens: their refusal would hide a door that has no other guard."""
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, WTF_CSRF_ENABLED=False)
    yield app
    close(app)


def doors(app: Flask) -> list[tuple[Rule, str]]:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return [(rule, method) for rule in app.url_map.iter_rules() for method in methods if method in (rule.methods or ())]


def path_of(app: Flask, rule: Rule, value: str = "1") -> str:
    values = dict.fromkeys(rule.arguments, value)
    view = next((view for view in app.extensions["appbuilder"].baseviews if type(view).__name__ == rule.endpoint.split(".")[0]), None)
    if rule.endpoint.endswith(".action"):
        values["name"] = min(view.actions)  # of no action it could only say 404
    built = app.url_map.bind("localhost").build(rule.endpoint, values, method=min(rule.methods or ()))
    return str(built)


def opens(client: FlaskClient, app: Flask, rule: Rule, method: str) -> bool:
    """Anything but a no counts: a 404 or a 500 has been let in."""
    answer = client.open(path_of(app, rule), method=method, environ_overrides=STRANGER)
    return not (answer.status_code in (401, 403) or (answer.status_code == 302 and answer.location.startswith("/login/")))


def test_a_stranger_is_refused_at_every_door_that_is_not_public(app: Flask) -> None:
    make_node(app)
    make_user(app, "alice")
    client = app.test_client()
    assert {rule.endpoint for rule, method in doors(app) if opens(client, app, rule, method)} <= PUBLIC


def test_an_account_without_a_role_is_refused_too(app: Flask) -> None:
    client = login(app, "alice", role="Nothing")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.find_role("Nothing").permissions = []
        db.session.commit()
    own = PUBLIC | {"MenuApi.get_menu_data"}  # shows what one may open: nothing
    own |= {f"SecondFactorView.{door}" for door in ("show", "set_up", "codes", "off")} | {"NewPasswordView.show", "NewPasswordView.choose"}
    assert {rule.endpoint for rule, method in doors(app) if rule.endpoint not in own and opens(client, app, rule, method)} == set()


def test_what_is_public_is_still_there(app: Flask) -> None:
    assert {rule.endpoint for rule, _ in doors(app)} >= PUBLIC


def everything(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    with app.app_context(), db.engine.connect() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in db.metadata.tables.items()
            if not name.startswith("audit_")  # what tells of a look changes nothing else
        }


def writings(beside: sqlite3.Connection) -> int:
    """Another number after each commit of any other connection that wrote."""
    return int(beside.execute("PRAGMA data_version").fetchone()[0])


def test_no_get_changes_anything_not_even_for_an_admin(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_SEEN_SECONDS", 3600)  # that somebody was there is noted each minute, and the walk may take more
    make_node(app)
    mail_id = make_mails(app, 1)[0]
    client = login(app, "alice")
    before = everything(app)
    with closing(sqlite3.connect(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))) as beside:
        written = writings(beside)
        for value in ("1", str(mail_id), "2"):
            for rule, method in doors(app):
                if method == "GET":
                    client.get(path_of(app, rule, value))
                    written, then = writings(beside), written
                    assert written == then or everything(app) == before, f"GET {rule} changed something"
    assert client.get("/mails/list/").status_code == 200, "a GET has logged us out"
