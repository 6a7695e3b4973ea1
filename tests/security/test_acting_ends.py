"""What ends the acting as somebody else: the hour, the logout, and whatever ends a login of either of the two."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.actor import SYSTEM
from app.clock import utcnow
from app.services import passwords, people
from tests.make import login, make_user, token
from tests.security.browsers import is_in, thief
from tests.security.test_acting import act, end, told, who


def test_it_ends_after_an_hour_and_what_was_under_way_is_not_done_as_the_admin(panel: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        admin = login(panel, "admin")
        make_user(panel, "bob", "Recipient")
        act(panel, admin, "bob")
        sent = token(admin)
        clock.shift(timedelta(minutes=59))
        assert who(admin) == "bob by admin"
        clock.shift(timedelta(minutes=1))
        answer = admin.post("/searches/save", data={"name": "Mine", "query": "score.ge=5", "csrf_token": sent})
        assert answer.status_code in (302, 400)
        assert "/login/" in (answer.location or "/login/")
        assert "You no longer act as bob." in admin.get("/mails/list/").get_data(as_text=True)
        assert who(admin) == "admin"
        assert told(panel)[-1] == ("admin", "bob", "account.acting.ended", "bob")


def test_no_change_of_names_makes_a_login_last_longer(app: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        admin = login(app, "admin")
        make_user(app, "bob", "Recipient")
        for _ in range(6):
            clock.shift(timedelta(hours=3, minutes=55))
            assert is_in(admin)
        act(app, admin, "bob")
        end(admin)
        assert is_in(admin)
        clock.shift(timedelta(minutes=30))
        assert not is_in(admin)


def no_admin(name: str) -> None:
    people.set_roles(people.user_named(name), ["Recipient"], actor=SYSTEM)


def switched_off(name: str) -> None:
    people.set_active(people.user_named(name), False, actor=SYSTEM)


def new_password(name: str) -> None:
    passwords.set_password(people.user_named(name), "Another-Horse-77", actor=SYSTEM)


def removed(name: str) -> None:
    people.delete_user(people.user_named(name), actor=SYSTEM)


def made_admin(name: str) -> None:
    people.set_roles(people.user_named(name), ["Admin"], actor=SYSTEM)


@pytest.mark.parametrize("change", [no_admin, switched_off, new_password, removed], ids=lambda change: change.__name__)
def test_what_ends_the_admins_login_ends_both(app: Flask, change: Any) -> None:
    make_user(app, "other")
    admin = login(app, "admin")
    make_user(app, "bob", "Recipient")
    act(app, admin, "bob")
    stolen = thief(app, admin)
    with app.app_context():
        change("admin")
    assert not is_in(admin)
    assert not is_in(stolen)


@pytest.mark.parametrize("change", [switched_off, new_password, removed, made_admin], ids=lambda change: change.__name__)
def test_what_ends_the_targets_logins_gives_the_admin_back(app: Flask, change: Any) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", "Recipient")
    act(app, admin, "bob")
    with app.app_context():
        change("bob")
    assert not is_in(admin), "this request was meant as bob's"
    assert who(admin) == "admin"


def test_a_logout_ends_both(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", "Recipient")
    act(app, admin, "bob")
    stolen = thief(app, admin)
    admin.post("/logout/", data={"csrf_token": token(admin)})
    assert not is_in(admin)
    assert not is_in(stolen)
    assert told(app)[-2:] == [("admin", "bob", "account.acting.ended", "bob"), ("admin", "", "logout", "admin")]
