"""Who is logged in stays so as long as the login stands, and not a request longer: the same on each store."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select

from app.actor import SYSTEM
from app.clock import utcnow
from app.extensions import db
from app.models.people import RoleRow
from app.services import passwords, people
from app.services.sessions import end_all_sessions
from tests.make import PASSWORD, login, make_user, token
from tests.security.browsers import PAGE, again, cookie_of, is_in, thief

NEW = "Another-Horse-77"


# --- what ends a login -----------------------------------------------------------------------------------------------------


def new_password(user: Any) -> None:
    passwords.set_password(user, NEW, actor=SYSTEM)


def more_roles(user: Any) -> None:
    people.set_roles(user, ["Auditor", "Recipient"], actor=SYSTEM)


def switched_off(user: Any) -> None:
    people.set_active(user, False, actor=SYSTEM)


def in_a_group(user: Any) -> None:
    from flask_appbuilder.security.sqla.models import Group

    role = db.session.scalars(select(RoleRow).where(RoleRow.name == "Recipient")).one()
    db.session.add(Group(name="desk", label="", description="", roles=[role], users=[user]))
    db.session.commit()


def removed(user: Any) -> None:
    people.delete_user(user, actor=SYSTEM)


def ended_by_an_admin(user: Any) -> None:
    end_all_sessions(user.id)


ENDS: list[Callable[[Any], None]] = [new_password, more_roles, switched_off, in_a_group, removed, ended_by_an_admin]


def test_what_a_login_stands_on_ends_it(panel: Flask) -> None:
    login(panel, "admin")
    bystander = login(panel, "bob", role="Auditor")
    for change in ENDS:
        name = f"alice-{change.__name__}"
        client = login(panel, name, role="Auditor")
        stolen = thief(panel, client)
        assert (is_in(client), is_in(stolen)) == (True, True), name
        with panel.app_context():
            change(people.user_named(name))
        assert (is_in(client), is_in(stolen), is_in(bystander)) == (False, False, True), name


def test_a_copied_cookie_is_worth_nothing_after_the_logout(panel: Flask) -> None:
    client = login(panel, "admin")
    stolen = thief(panel, client)
    assert is_in(stolen)
    assert client.post("/logout/", data={"csrf_token": token(client)}).status_code == 302
    assert not is_in(client)
    assert not is_in(stolen)


def test_whoever_changes_their_password_stays_in_under_a_new_id_and_nobody_else(panel: Flask) -> None:
    client = login(panel, "carol", role="Recipient")
    elsewhere, stolen, before = again(panel, "carol"), thief(panel, client), cookie_of(client)
    sent = {"old": PASSWORD, "new": NEW, "again": NEW, "csrf_token": token(client)}
    assert client.post("/profile/password", data=sent).status_code == 302
    assert is_in(client)
    assert cookie_of(client) != before
    assert not is_in(elsewhere)
    assert not is_in(stolen)


def test_a_login_has_a_new_id_and_a_new_token(panel: Flask) -> None:
    make_user(panel, "admin")
    client = panel.test_client()
    planted, value = token(client, "/login/"), cookie_of(client)
    sent = {"username": "admin", "password": PASSWORD, "csrf_token": planted}
    client.post("/login/", data=sent)
    assert cookie_of(client) != value
    answer = client.post("/logout/", data={"csrf_token": planted})
    assert answer.status_code == 302
    assert is_in(client), "a token from before the login has done something after it"


def test_an_id_that_somebody_made_up_is_not_taken(panel: Flask) -> None:
    make_user(panel, "admin")
    for planted in ("A" * 43, "", "nonsense", "eyJfdXNlcl9pZCI6IjEifQ.aaaa.bbbb", "A" * 4000):
        client = panel.test_client()
        client.set_cookie("session", planted)
        assert not is_in(client), planted
        sent = {"username": "admin", "password": PASSWORD, "csrf_token": token(client, "/login/")}
        client.post("/login/", data=sent)
        assert is_in(client), planted
        assert cookie_of(client) != planted


def test_a_login_ends_when_nobody_is_there_and_at_last_in_any_case(panel: Flask) -> None:
    begin = utcnow()
    with time_machine.travel(begin, tick=False) as clock:
        client = login(panel, "admin")
        idle = thief(panel, login(panel, "alice"))
        for _ in range(23):
            clock.shift(timedelta(hours=1))
            assert is_in(client)
        assert not is_in(idle)
        clock.shift(timedelta(minutes=59))
        assert is_in(client)
        clock.shift(timedelta(minutes=1))
        assert not is_in(client)


def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(panel: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client = login(panel, "admin")
        for _ in range(5):
            clock.shift(timedelta(minutes=59))
            client.get(PAGE, headers={"X-Background": "1"})
        assert not is_in(client)
