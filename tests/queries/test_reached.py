"""Addresses that are somebody's by rule, on each database: with a plus, in other names of domains, and what is somebody else's after all."""

import re
from datetime import UTC
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.actor import SYSTEM
from app.clock import utcnow
from app.errors import MailkeepError
from app.extensions import db
from app.ids import MAX_ID
from app.mime.addresses import base_of
from app.models import AuditEvent, Mail
from app.queries.people import Reach, reach_of
from app.queries.plan import Bounds
from app.queries.quarantine import stored_days
from app.queries.scope import Scope
from app.queries.search import Search, find
from app.queries.statistics import statistics_of
from app.queries.visibility import is_addressed_to, scope_of
from app.services import addresses, domains, people
from app.services.insert import insert_entries
from tests.make import login, make_entry, make_mails, make_user, token

ALL = Reach(everybody=True)
SENT = {
    "plain": ("bob@example.com",),
    "tagged": ("bob+shop@example.com", "bob+news@example.com"),
    "several": ("bob+a+b@example.com",),
    "empty tag": ("bob+@example.com",),
    "upper case": ("Bob+Shop@Example.com",),
    "another's own": ("bob+team@example.com",),
    "elsewhere": ("bob+shop@example.org",),
    "a longer name": ("bobby+shop@example.com",),
    "a wild name": ("b_b+shop@example.com",),
    "begins with a plus": ("+bob@example.com",),
    "in quotes": ('"bob+x"@example.com',),
    "alias": ("bob@alias.example",),
    "tagged in the alias": ("bob+shop@alias.example",),
    "alias, another's own": ("info@alias.example",),
    "alias of another's own": ("bob+team@alias.example",),
    "alias of nobody": ("dave@alias.example",),
}
BOB = {"plain", "tagged", "several", "empty tag", "upper case", "alias", "tagged in the alias"}


@pytest.fixture
def mails(any_app: Flask) -> dict[str, int]:
    for name in ("bob", "carol", "dora"):
        make_user(any_app, name, "Domain admin" if name == "dora" else "Recipient")
    entries = {name: make_entry(recipients=people, keep=True) for name, people in SENT.items()}
    with any_app.app_context():
        insert_entries(db.engine, list(entries.values()), "mx1")
        domains.add_alias("Alias.Example", "example.com", actor=SYSTEM)
        addresses.add_address(ALL, people.user_named("bob"), "info@example.com", actor=SYSTEM)
        addresses.add_address(ALL, people.user_named("carol"), "bob+team@example.com", actor=SYSTEM)
        addresses.add_address(ALL, people.user_named("carol"), "info@alias.example", actor=SYSTEM)
        addresses.set_domains(people.user_named("dora"), ["example.com"], actor=SYSTEM)
    return {name: entry.id for name, entry in entries.items()}


def seen(scope: Scope, mails: dict[str, int]) -> set[str]:
    """The same whichever way it is asked."""
    ids = set(db.session.scalars(select(Mail.id).where(scope.condition())))
    found = find(Search(scope), 50)
    assert {row.id for row in found.rows} == ids
    assert found.count == len(ids)
    assert all(scope.owns(row.first_rcpt) for row in found.rows)
    assert statistics_of(Search(scope)).count == len(ids)
    assert sum(day.count or 0 for day in stored_days(scope, utcnow().date(), UTC).days) == len(ids)
    assert {name for name, to in SENT.items() if any(scope.owns(address.lower()) for address in to)} == names(ids, mails)
    return names(ids, mails)


def names(ids: set[int], mails: dict[str, int]) -> set[str]:
    return {name for name, number in mails.items() if number in ids}


def test_who_has_a_name_has_its_tags_and_its_other_domains(any_app: Flask, mails: dict[str, int]) -> None:
    with any_app.app_context():
        bob, carol, dora = (people.user_named(name) for name in ("bob", "carol", "dora"))
        assert seen(scope_of(bob), mails) == BOB
        assert seen(scope_of(carol), mails) == {"another's own", "alias, another's own", "alias of another's own"}
        assert seen(scope_of(dora), mails) == set(SENT) - {"elsewhere"}
        assert reach_of(dora).domains == ("example.com", "alias.example")
        assert {name for name in SENT if is_addressed_to(bob, mails[name])} == BOB
        domains.remove_alias("alias.example", actor=SYSTEM)
        assert seen(scope_of(bob), mails) == {name for name in BOB if "alias" not in name}


def test_with_very_many_addresses_it_is_the_same(any_app: Flask, mails: dict[str, int]) -> None:
    with any_app.app_context():
        bob = people.user_named("bob")
        for number in range(40):
            addresses.add_address(ALL, bob, f"user{number}@nowhere.example", actor=SYSTEM)
        scope = scope_of(bob)
        assert not all(branch.is_ordered for branch in scope.branches())
        assert seen(scope, mails) == BOB


def test_a_wild_card_in_a_name_means_itself(any_app: Flask, mails: dict[str, int]) -> None:
    with any_app.app_context():
        wild = people.user_named("carol")
        for address in ("b_b@example.com", "%@example.com"):
            addresses.add_address(ALL, wild, address, actor=SYSTEM)
        assert seen(scope_of(wild), mails) == {"another's own", "alias, another's own", "alias of another's own", "a wild name"}
        assert seen(scope_of(people.user_named("bob")), mails) == BOB


def test_without_plus_addressing_it_is_off(any_app: Flask, mails: dict[str, int]) -> None:
    with any_app.app_context():
        any_app.config["PLUS_ADDRESSING"] = ""
        assert seen(scope_of(people.user_named("bob")), mails) == {"plain", "alias"}


def test_each_way_in_is_one_stretch_of_an_index(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    make_mails(app, 3, recipients=("bob+shop@example.com", "bob+news@example.com"))
    with app.app_context():
        scope = scope_of(people.user_named("bob"))
        for branch in scope.branches():
            with db.engine.connect() as connection:
                query = branch.ids(Bounds(None, MAX_ID)).order_by(branch.key.desc()).limit(50)
                sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
                plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
                assert re.search(rf"USING (COVERING )?INDEX {branch.index} \(", plan), plan
                assert "TEMP B-TREE" not in plan


def test_who_has_neither_pays_two_small_questions(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    make_mails(app, 1)
    asked: list[str] = []
    with app.app_context():
        bob = people.user_named("bob")
        assert bob.roles
        assert bob.groups == []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        scope = scope_of(bob)
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 3, "the further addresses, the aliases, whether a plus has come"
    assert scope == Scope(("bob@example.com",))


REFUSED = [("example.com", "example.com"), ("alias.example", "example.org"), ("new.example", "alias.example"), ("example.com", "x.example")]


@pytest.mark.parametrize(("alias", "domain"), [*REFUSED, ("no domain", "example.com"), ("a.example", ""), ("%", "example.com")])
def test_an_alias_is_of_a_domain_that_is_none_and_one_alone(app: Flask, alias: str, domain: str) -> None:
    with app.app_context():
        domains.add_alias("alias.example", "example.com", actor=SYSTEM)
        with pytest.raises(MailkeepError):
            domains.add_alias(alias, domain, actor=SYSTEM)
        db.session.rollback()
        assert len(db.session.scalars(select(AuditEvent)).all()) == 1


def test_the_screen_adds_and_removes_and_it_counts_at_once(app: Flask) -> None:
    admin, bob = login(app, "admin"), login(app, "bob", role="Recipient")
    [mail] = make_mails(app, 1, recipients=("bob@alias.example",))
    assert bob.get(f"/mails/show/{mail}").status_code == 404
    sent = {"alias": " @Alias.Example", "domain": "example.com", "csrf_token": token(admin)}
    assert b"alias.example" in admin.post("/domains/add", data=sent, follow_redirects=True).data
    assert bob.get(f"/mails/show/{mail}").status_code == 200
    assert "is an alias already" in admin.post("/domains/add", data=sent, follow_redirects=True).get_data(as_text=True)
    admin.post("/domains/remove", data={"alias": "alias.example", "csrf_token": token(admin)})
    assert bob.get(f"/mails/show/{mail}").status_code == 404


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("bob+shop@example.com", "bob@example.com"),
        ("bob+a+b@example.com", "bob@example.com"),
        ("bob+@example.com", "bob@example.com"),
        ("bob@example.com", None),
        ("+bob@example.com", None),
        ('"bob+x"@example.com', None),
        ('"b@b"+x@example.com', None),
        ("bob@exa+mple.com", None),
        ("bob+x", None),
        ("", None),
    ],
)
def test_whose_an_address_is(address: str, base: str | None) -> None:
    assert base_of(address, "+") == base
    assert base_of(address, "") is None
