"""The screens of accounts and roles: what is changed there is told of, before and after, in the transaction of the change."""

import json
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent
from app.models.people import RoleRow, User
from app.services.audit import verify
from tests.make import PASSWORD, login, token

NEW = "Another-Horse-77"


def told(app: Flask) -> list[tuple[str, str, Any, Any]]:
    """Of what admin did, but for logins."""
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb != "login").order_by(AuditEvent.id)).all()
        assert verify() is None
        assert {row.actor for row in rows} <= {"admin"}
        return [(row.verb, row.target_id, json.loads(row.before or "null"), json.loads(row.after or "null")) for row in rows]


def test_accounts(any_app: Flask) -> None:
    admin = login(any_app, "admin")

    def send(path: str, **fields: Any) -> int:
        return admin.post(path, data={"csrf_token": token(admin, "/profile/")} | fields).status_code

    new = {"username": "newbie", "first_name": "New", "last_name": "One", "email": "n@example.com", "roles": ["Admin"]}
    assert send("/people/new", **new, password=PASSWORD) == 302
    with any_app.app_context():
        number = db.session.scalar(select(User.id).where(User.username == "newbie"))
    changed = new | {"email": "new@example.com", "roles": ["Auditor"], "domains": "example.org"}
    for _ in range(2):  # the second changes nothing
        assert send(f"/people/{number}", **changed) == 302
    assert send(f"/people/{number}/password", password=NEW) == 302
    assert send(f"/people/{number}/addresses", add="more@example.com") == 302
    assert send(f"/people/{number}/addresses", remove="more@example.com") == 302
    assert send(f"/people/{number}/delete") == 302
    before = {"email": "n@example.com", "roles": ["Admin"], "active": True, "domains": []}
    after = {"email": "new@example.com", "roles": ["Auditor"], "active": False, "domains": ["example.org"]}
    assert told(any_app) == [
        ("account.added", "newbie", None, {"email": "n@example.com", "roles": ["Admin"]}),
        ("account.changed", "newbie", before, after),
        ("account.password", "newbie", None, None),
        ("account.address.added", "newbie", None, {"address": "more@example.com", "source": "admin"}),
        ("account.address.removed", "newbie", {"address": "more@example.com"}, None),
        ("account.deleted", "newbie", {name: after[name] for name in ("email", "roles", "active")}, None),
    ]
    with any_app.app_context():
        events = db.session.scalars(select(AuditEvent)).all()
        assert not [event for event in events if "Horse" in event.before + event.after or "scrypt" in event.before + event.after]


def test_roles(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        permission = str(app.extensions["appbuilder"].sm.find_permission_view_menu("can_list", "MailLogView").id)
    admin.post("/roles/add", data={"name": "Watcher", "csrf_token": token(admin)})
    with app.app_context():
        role = db.session.scalar(select(RoleRow.id).where(RoleRow.name == "Watcher"))
    admin.post(f"/roles/edit/{role}", data={"name": "Watcher", "permissions": permission, "csrf_token": token(admin)})
    admin.post(f"/roles/delete/{role}", data={"csrf_token": token(admin)})
    events = told(app)
    assert [event[:2] for event in events] == [("role.added", "Watcher"), ("role.changed", "Watcher"), ("role.deleted", "Watcher")]
    assert events[1][2:] == ({"permissions": []}, {"permissions": ["can list on MailLogView"]})


def test_ones_own_name_and_password(app: Flask) -> None:
    admin = login(app, "admin")
    admin.post("/profile/name", data={"first_name": "Ada", "last_name": "Test", "csrf_token": token(admin)})
    admin.post("/profile/password", data={"old": PASSWORD, "new": NEW, "again": NEW, "csrf_token": token(admin)})
    events = told(app)
    assert [event[0] for event in events] == ["account.changed", "account.password"]
    assert (events[0][2]["first_name"], events[0][3]["first_name"]) == ("admin", "Ada")
