"""Accounts are made and changed as a whole, and what two do at once is said to the second of them."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from app.actor import command_line
from app.errors import Conflict
from app.extensions import db
from app.models import AuditEvent, UserAddress, UserDomain
from app.models.people import User
from app.queries.people import Reach
from app.roles import Role
from app.services import addresses, passwords, people
from tests.make import PASSWORD, login, make_user, token

ALL = Reach(everybody=True)
TYPED = people.Person("dora", "Dora", "", "dora@example.com", (Role.DOMAIN_ADMIN.value,), ("example.com", "example.org"))


def test_an_account_is_made_with_all_that_it_has_or_not_at_all(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_values: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    with any_app.app_context():
        with monkeypatch.context() as patched:
            patched.setattr(people, "put_domains", broken)
            with pytest.raises(OperationalError):
                people.make_person(ALL, TYPED, PASSWORD, must_change=True, actor=command_line())
        db.session.rollback()
        assert people.find_user("dora") is None
        assert not db.session.scalar(select(func.count()).where(AuditEvent.target_id == "dora"))
        made = people.make_person(ALL, TYPED, PASSWORD, must_change=True, actor=command_line())
        db.session.expire_all()
        assert made.setting.owes_password
        assert set(db.session.scalars(select(UserDomain.domain))) == set(TYPED.domains)
        verbs = db.session.scalars(select(AuditEvent.verb).where(AuditEvent.target_id == "dora").order_by(AuditEvent.id))
        assert list(verbs) == ["account.added", "account.domains"]


def test_an_address_that_two_add_at_once_is_there_once(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_user(any_app, "bob", role="Recipient")
    with any_app.app_context():
        bob = people.user_named("bob")
        for address in ("a@example.com", "b@example.com"):
            addresses.add_address(ALL, bob, address, actor=command_line())
        monkeypatch.setattr(addresses, "_new_address", lambda _reach, _user, text: text)  # both looked before either wrote
        with pytest.raises(Conflict):
            addresses.add_address(ALL, bob, "a@example.com", actor=command_line())
        with pytest.raises(Conflict):
            addresses.change_address(ALL, bob, "a@example.com", "b@example.com", actor=command_line())
        assert sorted(db.session.scalars(select(UserAddress.address))) == ["a@example.com", "b@example.com"]


def test_a_row_that_was_there_a_moment_before_is_a_conflict_on_every_screen(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def there_already(*_values: Any, **_more: Any) -> None:
        raise IntegrityError("INSERT", {}, Exception("there already"))

    client = login(app, "admin")
    monkeypatch.setattr(people, "change_own_name", there_already)
    answer = client.post("/profile/name", data={"csrf_token": token(client), "first_name": "A"})
    assert answer.status_code == 409
    assert "try once more" in answer.get_data(as_text=True)


def test_a_password_that_cannot_be_written_is_not_said_to_be(app: Flask) -> None:
    make_user(app, "bob", role="Recipient")
    with app.app_context():

        @event.listens_for(db.engine, "before_cursor_execute")
        def full(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE ab_user"):
                raise OperationalError(statement, {}, Exception("disk full"))

        before = people.user_named("bob").password
        with pytest.raises(OperationalError):
            passwords.set_password(people.user_named("bob"), "Another-Horse-42", actor=command_line())
        db.session.rollback()
        assert db.session.scalar(select(User.password).where(User.username == "bob")) == before
