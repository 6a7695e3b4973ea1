"""What a key may: what its role may, and never more than its owner."""

from typing import Any

import pytest
from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.models import UserDomain
from app.roles import Role
from app.services import access_keys, people
from app.services.people import user_named
from tests.make import make_mails, make_user
from tests.security.test_programs import ADMIN, API, bearer, make_key, status


def seen(app: Flask, headers: dict[str, str]) -> tuple[Any, ...]:
    """By the list, its count, the sums, one mail of each, and whether it tells of symbols."""
    client = app.test_client()
    found = client.get(API, headers=headers)
    if found.status_code != 200:
        return (found.status_code,)
    mails = [mail["id"] for mail in found.json["result"]]
    sums = client.get(f"{API}statistics", headers=headers).json["result"]["count"]
    with app.app_context():
        every = app.config["EVERY"]
    opened = [client.get(f"{API}{mail}", headers=headers) for mail in every]
    symbols = {"symbols" in answer.json["result"] for answer in opened if answer.status_code == 200}
    return len(mails), found.json["count"], sums, [answer.status_code for answer in opened], symbols


def test_a_key_sees_and_does_what_its_role_may_and_never_more_than_its_owner(app: Flask) -> None:
    for name, role in (
        ("root", "Admin"),
        ("chief", "Domain admin"),
        ("carol", "Recipient"),
        ("helper", "Help desk"),
        ("watcher", "Auditor"),
    ):
        make_user(app, name, role=role)
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.add_role("Empty")
        for name in ("root", "chief"):
            db.session.add(UserDomain(user_id=user_named(name).id, domain="theirs.example", created_at=utcnow()))
        db.session.commit()
    receivers = ("root@example.com", "x@theirs.example", "stranger@example.net")
    app.config["EVERY"] = [make_mails(app, 1, recipients=(address,))[0] for address in receivers]
    everything = (3, 3, 3, [200, 200, 200], {True})
    own_only = (1, 1, 1, [200, 404, 404], {False})
    assert seen(app, bearer(make_key(app, "root"))) == everything
    assert seen(app, bearer(make_key(app, "root", Role.RECIPIENT))) == own_only
    assert seen(app, bearer(make_key(app, "root", Role.DOMAIN_ADMIN))) == (2, 2, 2, [200, 200, 404], {True})
    assert seen(app, bearer(make_key(app, "root", Role.AUDITOR))) == everything
    assert seen(app, bearer(make_key(app, "root", "Help desk"))) == own_only
    assert seen(app, bearer(make_key(app, "root", "Empty"))) == (403,)
    assert seen(app, bearer(make_key(app, "chief", Role.RECIPIENT))) == (0, 0, 0, [404] * 3, set())
    assert seen(app, bearer(make_key(app, "watcher", Role.AUDITOR))) == everything
    menu = app.test_client().get("/api/v1/menu/", headers=bearer(make_key(app, "root", "Admin"))).json["result"]
    assert {"People", "Roles"} <= {item["name"] for item in menu}
    assert app.test_client().get("/api/v1/menu/", headers=bearer(make_key(app, "root", Role.RECIPIENT))).status_code == 403


def test_a_key_cannot_be_made_for_more_than_its_owner_may(app: Flask) -> None:
    for name, role in (("root", "Admin"), ("chief", "Domain admin"), ("carol", "Recipient"), ("watcher", "Auditor"), ("none", "Empty")):
        make_user(app, name, role=role)
    offered = {}
    with app.app_context():
        for name in ("root", "chief", "carol", "watcher", "none"):
            offered[name] = access_keys.roles_for_keys(user_named(name))
    assert offered == {
        "root": ["Admin", "Domain admin", "Auditor", "Recipient", "Empty"],
        "chief": ["Domain admin", "Recipient"],
        "carol": ["Recipient"],
        "watcher": ["Auditor", "Recipient"],
        "none": ["Recipient", "Empty"],
    }
    for role in ("Admin", "Auditor", "Public", "", "Nonsense"):
        with pytest.raises(people.BadRequest):
            make_key(app, "chief", role)


def test_what_the_owner_loses_the_key_loses(app: Flask) -> None:
    """A key of a lesser role goes on, with no more than is left to its owner."""
    make_user(app, "root")
    make_user(app, "alice", role="Admin")
    key = make_key(app, "alice", Role.RECIPIENT)
    with app.app_context():
        app.extensions["appbuilder"].sm.add_role("Empty")
        people.set_roles(user_named("alice"), ["Empty"], actor=ADMIN)
    assert status(app, bearer(key)) == 403
