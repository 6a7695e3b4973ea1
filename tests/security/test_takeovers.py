"""One person is not taken for another: not for the sake of an accent, nor of an address that somebody calls himself by."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import SYSTEM
from app.errors import Conflict, NotAllowed
from app.extensions import db
from app.models.people import User, UserWay
from app.services import logins, people
from app.services.logins import Identity, account_of
from tests.make import PASSWORD, make_user


def number_and_name(identity: Identity) -> tuple[int, str] | None:
    try:
        user = account_of(identity)
    except NotAllowed:
        db.session.rollback()
        return None
    return user.id, user.email


@pytest.mark.parametrize("address", ["böss@example.com", "boss@exämple.com", "bóss@example.com"])
def test_an_address_that_only_looks_alike_links_nobody(any_app: Flask, address: str) -> None:
    """MariaDB compares the addresses of accounts by a collation to which an ö is an o."""
    any_app.config["LINK_ACCOUNTS"] = True
    make_user(any_app, "boss")
    with any_app.app_context():
        boss = people.user_named("boss").id
        found = number_and_name(Identity(way="oidc:x", subject="1", username="somebody", address=address, lasting=True))
        assert found is None or found[0] != boss
        assert db.session.scalar(select(UserWay.id).where(UserWay.user_id == boss)) is None
        same = number_and_name(Identity(way="oidc:x", subject="2", username="the boss", address="Boss@Example.com".lower(), lasting=True))
        assert same == (boss, "boss@example.com")


def test_a_name_that_only_looks_alike_links_nobody(any_app: Flask) -> None:
    any_app.config["LINK_ACCOUNTS"] = True
    make_user(any_app, "boss")
    with any_app.app_context():
        boss = people.user_named("boss").id
        found = number_and_name(Identity(way="proxy", subject="böss", username="böss", owns_names=True))
        assert found is None or found[0] != boss
        assert number_and_name(Identity(way="proxy", subject="boss", username="BOSS", owns_names=True)) == (boss, "boss@example.com")


def test_an_entry_of_the_directory_that_only_looks_alike_is_not_one_that_moved(any_app: Flask) -> None:
    with any_app.app_context():
        first = account_of(Identity(way="ldap", subject="uid=muller", username="muller", address="muller@example.com")).id
        found = number_and_name(Identity(way="ldap", subject="uid=müller", username="müller", address="müller@example.com"))
        assert found is None or found[0] != first
        moved = number_and_name(Identity(way="ldap", subject="uid=muller,ou=new", username="Muller", address="muller@example.com"))
        assert moved == (first, "muller@example.com")


@pytest.mark.parametrize("name", ["böss", "böss@example.com"])
def test_each_account_has_one_name_to_guess_its_password_by(any_app: Flask, name: str) -> None:
    """Tries are counted by the name: another spelling would have a count of its own."""
    make_user(any_app, "boss")
    with any_app.app_context():
        assert logins.password_hash_of(name) is None
        assert logins.password_hash_of("BOSS") == logins.password_hash_of("Boss@example.COM") is not None


def test_nobody_is_called_by_the_address_of_somebody_else(any_app: Flask) -> None:
    """Names and addresses are typed into one field: who is called so would get the other's links, and keep him from logging in."""
    make_user(any_app, "boss")
    with any_app.app_context():
        with pytest.raises(Conflict):
            people.add_user("Boss@example.com", PASSWORD, "eve@example.org", ["Recipient"], actor=SYSTEM)
        assert number_and_name(Identity(way="oidc:x", subject="1", username="boss@example.com", lasting=True)) is None
        assert db.session.scalars(select(User.username)).all() == ["boss"]
        people.add_user("carol@example.com", PASSWORD, "carol@example.com", ["Recipient"], actor=SYSTEM)  # one's own is as good as any
