"""Where somebody arrives after the login, and what who may open nothing is told."""

import html

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.forms.grants import GRANT_LABELS
from app.roles import grants_of_views
from app.security.proxy import UNNAMED
from tests.make import PASSWORD, login, token


def arrive(app: Flask, role: str | None, *grants: tuple[str, str]) -> FlaskClient:
    """A browser with an account of this role, which may do only this; None: of no role at all."""
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        roles = [] if role is None else [sm.add_role(role)]
        for permission, view in grants:
            sm.add_permission_role(roles[0], sm.find_permission_view_menu(permission, view))
        assert sm.add_user("eve", "Eve", "Test", "eve@example.com", roles, PASSWORD)
        db.session.remove()
    client = app.test_client()
    fields = {"username": "eve", "password": PASSWORD, "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=fields).status_code == 302
    return client


@pytest.mark.parametrize("role", [None, "Empty"])
@pytest.mark.parametrize("path", ["/", "/mails/list/", "/profile/", "/login/"])
def test_who_may_open_nothing_is_told_so_and_whom_to_ask(app: Flask, role: str | None, path: str) -> None:
    answer = arrive(app, role).get(path, follow_redirects=True)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "eve has no role that may open anything here" in text
    assert "Ask whoever looks after this server" in text
    assert "/logout/" in text
    assert 'href="/"' not in text.split('id="mk-main"')[1]


def test_with_a_role_the_next_login_arrives_at_the_mails(app: Flask) -> None:
    client = arrive(app, None)
    assert client.get("/").status_code == 403
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        user = sm.find_user("eve")
        user.roles = [sm.find_role("Recipient")]
        sm.update_user(user)
        db.session.remove()
    fields = {"username": "eve", "password": PASSWORD, "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=fields).status_code == 302
    assert client.get("/").headers["Location"] == "/mails/list/"


def test_who_may_not_read_mails_arrives_at_what_is_open(app: Flask) -> None:
    client = arrive(app, "Clerk", ("menu_access", "People"), ("can_list", "PeopleView"))
    assert client.get("/").headers["Location"] == "/people/"
    refused = client.get("/mails/list/")
    assert refused.status_code == 403
    assert "You may not do this." in refused.get_data(as_text=True)


def test_an_admin_behind_a_proxy_that_is_not_named_is_told(app: Flask) -> None:
    admin, other = login(app, "admin"), login(app, "bob", role="Recipient")
    told = "192.0.2.99 sends X-Forwarded-For and is not in TRUSTED_PROXIES"
    through = {"headers": {"X-Forwarded-For": "203.0.113.5"}, "environ_base": {"REMOTE_ADDR": "192.0.2.99"}}
    assert told in admin.get("/mails/list/", **through).get_data(as_text=True)
    assert told not in other.get("/mails/list/", **through).get_data(as_text=True)
    assert "TRUSTED_PROXIES" not in admin.get("/mails/list/").get_data(as_text=True)
    details = admin.get("/readyz").get_json()
    assert details["unnamed_proxies"] == ["192.0.2.99"]
    forged = admin.get("/mails/list/", headers={UNNAMED: "192.0.2.1", "Mailkeep.Unnamed-Proxy": "192.0.2.1"})
    assert "TRUSTED_PROXIES" not in forged.get_data(as_text=True)


def test_whoever_makes_a_role_reads_words_and_no_names_of_classes(app: Flask) -> None:
    assert set(GRANT_LABELS) >= grants_of_views(app.extensions["appbuilder"])
    admin = login(app, "admin")
    for path in ("/roles/add", "/roles/show/1"):
        text = admin.get(path).get_data(as_text=True)
        assert "Audit trail: read and export" in text
        assert "View" not in html.unescape(text.split('id="mk-main"')[1])
