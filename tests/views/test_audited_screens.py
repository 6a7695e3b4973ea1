"""FAB's account screens: what an admin changes there is told of, before and after, in the transaction of the change."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.models import AuditEvent
from app.services.audit import verify
from tests.make import PASSWORD, login, make_user, token
from tests.views.test_accounts import role_id, user_id

NEW = "Another-Horse-77"


def told(app: Flask) -> list[tuple[str, str, Any, Any]]:
    """Of what admin did, but for logins."""
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb != "login").order_by(AuditEvent.id)).all()
        assert verify() is None
        assert {row.actor for row in rows} <= {"admin"}
        return [(row.verb, row.target_id, json.loads(row.before or "null"), json.loads(row.after or "null")) for row in rows]


def account(app: Flask, **changes: str) -> dict[str, str]:
    fields = {"first_name": "New", "last_name": "One", "username": "newbie", "active": "y", "email": "n@example.com"}
    return {name: value for name, value in (fields | {"roles": role_id(app, "Admin")} | changes).items() if value}


def test_accounts(any_app: Flask) -> None:
    admin = login(any_app, "admin")
    passwords = {"password": PASSWORD, "conf_password": PASSWORD}
    admin.post("/users/add", data=account(any_app) | passwords | {"csrf_token": token(admin)})
    number = user_id(any_app, "newbie")
    changes = account(any_app, active="", email="new@example.com", roles=role_id(any_app, "Auditor"))
    for _ in range(2):  # the second changes nothing
        assert admin.post(f"/users/edit/{number}", data=changes | {"csrf_token": token(admin)}).status_code == 302
    passwords = {"password": NEW, "conf_password": NEW, "csrf_token": token(admin)}
    assert admin.post(f"/resetpassword/form?pk={number}", data=passwords).status_code == 302
    assert admin.post(f"/users/delete/{number}", data={"csrf_token": token(admin)}).status_code == 302
    assert user_id(any_app, "newbie") is None
    there = {"first_name": "New", "last_name": "One", "username": "newbie", "groups": []}
    new = {"active": False, "email": "new@example.com", "roles": ["Auditor"]}
    old = {"active": True, "email": "n@example.com", "roles": ["Admin"]}
    assert told(any_app) == [
        ("account.added", "newbie", None, there | old),
        ("account.changed", "newbie", old, new),
        ("account.password", "newbie", None, None),
        ("account.deleted", "newbie", there | new, None),
    ]
    with any_app.app_context():
        events = db.session.scalars(select(AuditEvent)).all()
        assert not [event for event in events if "Horse" in event.before + event.after or "scrypt" in event.before + event.after]


def test_roles_and_groups(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        permission = str(app.extensions["appbuilder"].sm.find_permission_view_menu("can_list", "MailLogView").id)
    admin.post("/roles/add", data={"name": "Watcher", "csrf_token": token(admin)})
    role = role_id(app, "Watcher")
    admin.post(f"/roles/edit/{role}", data={"name": "Watcher", "permissions": permission, "csrf_token": token(admin)})
    admin.post(f"/roles/delete/{role}", data={"csrf_token": token(admin)})
    admin.post("/groups/add", data={"name": "desk", "label": "Desk", "description": "d", "csrf_token": token(admin)})
    events = told(app)
    assert [event[:2] for event in events] == [
        ("role.added", "Watcher"),
        ("role.changed", "Watcher"),
        ("role.deleted", "Watcher"),
        ("group.added", "desk"),
    ]
    assert events[1][2:] == ({"permissions": []}, {"permissions": ["can list on MailLogView"]})


def test_ones_own_names_and_password(app: Flask) -> None:
    admin = login(app, "admin")
    admin.post("/userinfoeditview/form", data={"first_name": "Ada", "last_name": "Test", "csrf_token": token(admin)})
    admin.post("/resetmypassword/form", data={"password": NEW, "conf_password": NEW, "csrf_token": token(admin)})
    assert told(app) == [
        ("account.changed", "admin", {"first_name": "admin"}, {"first_name": "Ada"}),
        ("account.password", "admin", None, None),
    ]
    client = app.test_client()
    client.post("/login/", data={"username": "admin", "password": NEW, "csrf_token": token(client, "/login/")})
    assert client.get("/mails/list/").status_code == 200


@pytest.mark.parametrize("pk", ["", "x", "77", "9" * 30])
def test_no_password_for_an_account_that_is_not_there(app: Flask, pk: str) -> None:
    admin = login(app, "admin")
    fields = {"password": NEW, "conf_password": NEW, "csrf_token": token(admin)}
    assert admin.post(f"/resetpassword/form?pk={pk}", data=fields).status_code == 404
    assert told(app) == []


def test_what_cannot_be_told_of_is_not_done(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = login(app, "admin")
    make_user(app, "carol", "Recipient")
    sent = {"csrf_token": token(admin)}

    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT secret", None, Exception("secret words"))

    monkeypatch.setattr("app.views.audited.record", fail)
    answer = admin.post(f"/users/delete/{user_id(app, 'carol')}", data=sent, follow_redirects=True)
    assert b"secret" not in answer.data
    assert user_id(app, "carol")
