"""An admin acts as somebody else: told on every page, logged under both names, bounded, and never the target's own login."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Group
from sqlalchemy import select

from app.actor import SYSTEM
from app.extensions import db
from app.models import AuditEvent, Verb
from app.models.people import RoleRow
from app.queries.settings import choices_of
from app.services import addresses, people
from app.services.sessions import end_all_sessions, sessions_of
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import PASSWORD, login, make_mails, make_user, token
from tests.security.browsers import cookie_of, is_in, user_id


def act(app: Flask, client: FlaskClient, name: str, reason: str = "a call for help") -> Any:
    number = user_id(app, name)
    sent = {"reason": reason, "csrf_token": token(client)}
    return client.post(f"/acting/begin/{number}", data=sent)


def end(client: FlaskClient) -> Any:
    return client.post("/acting/end", data={"csrf_token": token(client)})


def who(client: FlaskClient) -> str:
    """The name in the navigation; the admin's behind it where there are two."""
    page = client.get("/profile/").get_data(as_text=True)
    name = page.rpartition('aria-current="page"')[2].partition("</i>")[2].partition("<")[0].strip()
    return f"{name} by admin" if "mk-acting" in page and "admin, you act as" in page else name


def told(app: Flask) -> list[tuple[str, str, str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb != Verb.LOGIN).order_by(AuditEvent.id))
        return [(row.actor, row.on_behalf_of, row.verb, row.target_id) for row in rows if not row.actor.startswith("command line")]


def test_it_is_begun_with_a_click_seen_on_every_page_and_ended_with_one(panel: Flask) -> None:
    admin = login(panel, "admin")
    make_user(panel, "bob", "Recipient")
    [mine] = make_mails(panel, 1, recipients=("bob@example.com",))
    [other] = make_mails(panel, 1, recipients=("carol@example.com",))
    before = cookie_of(admin)
    assert act(panel, admin, "bob").location == "/mails/list/"
    during = cookie_of(admin)
    assert who(admin) == "bob by admin"
    assert admin.get(f"/mails/show/{mine}").status_code == 200
    missing = admin.get(f"/mails/show/{other}")
    assert (missing.status_code, b"mk-acting" in missing.data) == (404, True)
    assert admin.get("/people/").status_code == 403
    assert end(admin).location == f"/people/{user_id(panel, 'bob')}"
    assert who(admin) == "admin"
    assert len({before, during, cookie_of(admin)}) == 3
    for cookie in (before, during):
        replay = panel.test_client()
        replay.set_cookie("session", cookie)
        assert not is_in(replay)
    assert told(panel) == [
        ("admin", "bob", "account.acting.begun", "bob"),
        ("admin", "bob", "mail.opened", str(mine)),
        ("admin", "bob", "account.acting.ended", "bob"),
    ]


def test_it_is_no_login_of_the_target(app: Flask) -> None:
    admin = login(app, "admin")
    bob = login(app, "bob", role="Recipient")

    def state() -> tuple[Any, ...]:
        with app.app_context():
            user = people.user_named("bob")
            return user.last_login, user.login_count, len(sessions_of(user.id))

    before = state()
    act(app, admin, "bob")
    assert who(admin) == "bob by admin"
    assert state() == before
    with app.app_context():
        assert len(sessions_of(user_id(app, "admin"))) == 1
        end_all_sessions(user_id(app, "bob"))
    assert not is_in(bob)
    with app.app_context():
        end_all_sessions(user_id(app, "admin"))
    assert not is_in(admin)


def test_a_mail_that_was_opened_so_is_told_to_whose_it_is(app: Flask) -> None:
    admin = login(app, "admin")
    bob = login(app, "bob", role="Recipient")
    [mail] = make_mails(app, 1, recipients=("bob@example.com",))
    act(app, admin, "bob")
    assert admin.get(f"/mails/show/{mail}").status_code == 200
    page = bob.get(f"/mails/show/{mail}").get_data(as_text=True)
    assert "<bdi>admin</bdi>" in page
    assert "for bob" in page
    assert [one for one in told(app) if one[2] == "mail.opened"] == [("admin", "bob", "mail.opened", str(mail))]


@pytest.mark.parametrize("name", ["admin", "second", "grouped", "gone", "nobody"])
def test_nobody_acts_as_an_admin_nor_as_who_is_not_there(app: Flask, name: str) -> None:
    admin = login(app, "admin")
    make_user(app, "second")
    make_user(app, "grouped", "Recipient")
    make_user(app, "gone", "Recipient")
    with app.app_context():
        role = db.session.scalars(select(RoleRow).where(RoleRow.name == "Admin")).one()
        db.session.add(Group(name="chiefs", label="", description="", roles=[role], users=[people.user_named("grouped")]))
        db.session.commit()
        people.set_active(people.user_named("gone"), False, actor=SYSTEM)
    if name == "nobody":
        assert admin.post("/acting/begin/99", data={"csrf_token": token(admin)}).status_code == 404
    else:
        assert b"Act as this account" not in admin.get(f"/people/{user_id(app, name)}").data
        assert act(app, admin, name).location.startswith("/people/")
    assert who(admin) == "admin"
    assert [one for one in told(app) if "acting" in one[2]] == []


def test_only_admins_begin_whatever_a_role_may_open(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        role = sm.add_role("Everything")
        for permission in sm.find_role("Admin").permissions:
            sm.add_permission_role(role, permission)
    for role_name in ("Domain admin", "Auditor", "Recipient"):
        client = login(app, role_name.split()[0].lower(), role=role_name)
        assert act(app, client, "bob").status_code == 403
    client = login(app, "eve", role="Everything")
    assert act(app, client, "bob").status_code == 404, "bob is not theirs to look after"
    assert act(app, client, "eve").status_code == 404
    assert app.test_client().post("/acting/end", data={}).status_code == 400


REFUSED = [
    ("/profile/password", {"old": PASSWORD, "new": "Another-Horse-77", "again": "Another-Horse-77"}),
    ("/profile/name", {"first_name": "Mallory"}),
    ("/profile/choices", {"language": "de", "zone": "", "theme": "dark"}),
    ("/sessions/end-others", {}),
    ("/lang/", {"language": "de"}),
    ("/theme/", {"theme": "dark"}),
    ("/searches/save", {"name": "Mine", "query": "score.ge=5"}),
    ("/keys/", {"name": "Mine", "role": "Recipient", "days": "30"}),
    ("/second-factor/off", {"proof": PASSWORD}),
    ("/api/v1/security/login", {}),
]


def test_what_is_theirs_alone_is_refused(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", "Recipient")
    make_user(app, "carol", "Recipient")
    act(app, admin, "bob")
    sent = token(admin)
    for path, fields in [*REFUSED, (f"/acting/begin/{user_id(app, 'carol')}", {})]:
        answer = admin.post(path, data={**fields, "csrf_token": sent})
        assert answer.status_code == 403, path
    assert admin.get("/api/v1/mail/").status_code == 403
    assert b"mk-acting" in admin.post("/profile/name", data={"csrf_token": sent}).data
    with app.app_context():
        bob = people.user_named("bob")
        assert (bob.first_name, choices_of(bob).theme) == ("bob", "")
    page = admin.get("/profile/").get_data(as_text=True)
    assert 'name="old"' not in page
    assert "mk-theme" not in page


def test_what_is_changed_so_is_told_under_both_names(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "chief", "Domain admin")
    make_user(app, "carol", "Recipient")
    with app.app_context():
        addresses.set_domains(people.user_named("chief"), ["example.com"], actor=SYSTEM)
    act(app, admin, "chief")
    number = user_id(app, "carol")
    admin.post(f"/people/{number}/addresses", data={"add": "c@example.com", "csrf_token": token(admin)})
    assert told(app)[-1] == ("admin", "chief", "account.address.added", "carol")


@pytest.fixture
def curious(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, AUDIT_REASON=True)
    yield app
    close(app)


def test_where_reasons_are_asked_for_one_is_given_and_stands_for_all_that_is_opened(curious: Flask) -> None:
    admin = login(curious, "admin")
    make_user(curious, "bob", "Recipient")
    [mail] = make_mails(curious, 1, recipients=("bob@example.com",))
    act(curious, admin, "bob", reason="  ")
    assert who(admin) == "admin"
    act(curious, admin, "bob", reason="ticket 7")
    assert admin.get(f"/mails/show/{mail}").status_code == 200
    with curious.app_context():
        reasons = db.session.scalars(select(AuditEvent).where(AuditEvent.on_behalf_of == "bob").order_by(AuditEvent.id))
        assert [(event.verb, event.reason) for event in reasons] == [("account.acting.begun", "ticket 7"), ("mail.opened", "ticket 7")]


def test_a_visitor_cannot_sign_himself_in_as_two(app: Flask) -> None:
    """What a signed cookie of a visitor holds is taken, but for what makes a login."""
    make_user(app, "bob", "Recipient")
    make_user(app, "admin")
    signer = app.session_interface._signer  # type: ignore[attr-defined]
    client = app.test_client()
    made = {"_user_id": "1", "_acts": {"admin_id": 2, "name": "bob"}}
    client.set_cookie("session", signer.dumps(made))
    assert not is_in(client)
