"""Whose an address is, for letters: exactly as for everything else that people see."""

import itertools
import random
from types import SimpleNamespace

from flask import Flask

from app.clock import stored_now
from app.extensions import db
from app.models import DomainAlias, NoticeRefusal, UserSetting
from app.models.people import User
from app.queries.addressees import Addressee, addressees_of, owners_of
from app.queries.reached import scope_by_rule
from app.queries.visibility import addresses_of
from tests.make import make_mails, make_user
from tests.notices import add_address, chosen, ruled

LOCALS = ("bob", "bob+a", "bob+a+b", "xbob", "bob.b", "bob_b", "b%b")
DOMAINS = ("example.com", "alias.example", "other.example", "example.com.evil")
ADDRESSES = [f"{local}@{domain}" for local, domain in itertools.product(LOCALS, DOMAINS)]


def alias(app: Flask, name: str, domain: str) -> None:
    with app.app_context():
        db.session.add(DomainAlias(alias=name, domain=domain, created_at=stored_now()))
        db.session.commit()


def addressee_of(owner: str) -> Addressee | None:
    return addressees_of({owner: ""}).get(owner)


def names(app: Flask, *addresses: str) -> list[tuple[str, str]]:
    """Owner and where the letter goes; user:NAME for an account."""
    with app.app_context():
        users = {f"user:{user.id}": f"user:{user.username}" for user in db.session.query(User)}
        found = owners_of(addresses)
        return [(users.get(each.owner, each.owner), each.address) for address in addresses for each in found.get(address, ())]


def test_letters_go_to_whoever_sees_the_mail(app: Flask) -> None:
    """Against the rule by which people see mails, with accounts that share, tag, alias and nearly have the same addresses."""
    app.config["NOTICE_TIMES"] = (("Recipient", "at once"),)
    alias(app, "alias.example", "example.com")
    make_mails(app, recipients=tuple(ADDRESSES))
    choose = random.Random(7)
    for number in range(12):
        make_user(app, f"u{number}", "Recipient")
        for address in choose.sample(ADDRESSES, choose.choice((1, 1, 2))):
            add_address(app, f"u{number}", address)
    with app.app_context():
        users = db.session.query(User).all()
        scopes = {user.id: scope_by_rule(user.id, addresses_of(user)) for user in users}
        seen = {address: {number for number, scope in scopes.items() if scope.owns(address)} for address in ADDRESSES}
        told = {address: {each.user_id for each in found} for address, found in owners_of(ADDRESSES).items()}
    assert told == {address: found for address, found in seen.items() if found}
    assert 5 < len(told) < len(ADDRESSES)


def test_a_name_that_only_looks_alike_is_somebody_else(any_app: Flask) -> None:
    any_app.config["NOTICE_TIMES"] = (("Recipient", "at once"),)
    make_user(any_app, "Bob", "Recipient")
    make_user(any_app, "josé", "Recipient")
    assert names(any_app, "bob@example.com", "bob+x@example.com") == [("user:Bob", "bob@example.com")] * 2
    assert names(any_app, "xbob@example.com", "bob@example.com.evil", "bob@xample.com", "b_b@example.com", "jose@example.com") == []
    assert names(any_app, "josé@example.com") == [("user:josé", "josé@example.com")]


def test_the_nearest_word_counts(app: Flask) -> None:
    """The account's own, else its domain's, else its role's; and which language and zone."""
    make_user(app, "bob", "Recipient")
    app.config |= {"NOTICE_TIMES": (("Admin", "hourly"), ("Recipient", "daily at 07:00")), "JOBS_ZONE": "Europe/Athens"}

    def asked(address: str = "bob@example.com") -> tuple[str, str, str]:
        with app.app_context():
            found = owners_of([address]).get(address)
            return (found[0].times, found[0].language, found[0].zone) if found else ("", "", "")

    assert asked() == ("daily at 07:00", "en", "Europe/Athens")
    ruled(app, "example.com", times="at once", language="de")
    alias(app, "alias.example", "example.com")
    assert asked() == asked("bob@alias.example") == ("at once", "de", "Europe/Athens")
    with app.app_context():
        user = db.session.query(User).one()
        db.session.add(UserSetting(user_id=user.id, language="el", zone="Europe/Berlin"))
        db.session.commit()
        owner = SimpleNamespace(name=f"user:{user.id}")
    chosen(app, "bob", "weekly on monday at 09:00")
    assert asked() == ("weekly on monday at 09:00", "el", "Europe/Berlin")
    with app.app_context():
        assert addressee_of(owner.name) == owners_of(["bob@example.com"])["bob@example.com"][0]
    chosen(app, "bob", "never")
    assert asked() == asked("bob+x@alias.example") == ("", "", "")
    with app.app_context():
        assert [addressee_of(name) for name in (owner.name, "user:99", "user:", "user:x", "", "watch:x@y.z", "address:a@b.c")] == [None] * 7


def test_an_address_that_refuses_is_let_alone(app: Flask) -> None:
    ruled(app, "example.com", everybody=True, times="hourly", watchers="dora@example.com\nerik@example.net")
    alias(app, "alias.example", "example.com")
    for address in ("dora@example.com", "dora+x@example.com"):
        assert names(app, address) == [("address:dora@example.com", "dora@example.com")]
    with app.app_context():
        watched = addressee_of("watch:erik@example.net")
        assert watched is not None
        assert (watched.times, watched.domain) == ("daily at 07:00", "example.com")
        assert addressee_of("watch:rik@example.net") is None
        db.session.add(NoticeRefusal(address="dora@example.com", refused_at=stored_now(), by="link"))
        db.session.commit()
        assert addressee_of("address:dora@example.com") is None
    assert names(app, "dora@example.com", "dora+x@example.com") == []


def test_what_an_address_refused_holds_for_the_account_that_gets_it_until_it_chooses(app: Flask) -> None:
    app.config["NOTICE_TIMES"] = (("Recipient", "at once"),)
    ruled(app, "example.com", times="hourly")
    alias(app, "alias.example", "example.com")
    with app.app_context():
        db.session.add(NoticeRefusal(address="bob@example.com", refused_at=stored_now(), by="link"))
        db.session.commit()
    for name in ("bob", "carol"):
        make_user(app, name, "Recipient")
    add_address(app, "bob", "info@example.com")
    add_address(app, "carol", "bob@alias.example")
    theirs = ("bob@example.com", "bob+x@example.com", "info@example.com")
    assert names(app, *theirs) == []
    assert names(app, "bob@alias.example") == [("user:carol", "carol@example.com")], "her letters go elsewhere"
    chosen(app, "bob", "daily at 07:00")
    assert names(app, *theirs) == [("user:bob", "bob@example.com")] * 3
