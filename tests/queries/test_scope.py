"""Whose mail somebody may see, asked of each database in each of the ways the screens ask."""

from datetime import UTC

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Mail
from app.queries.quarantine import stored_days
from app.queries.scope import ALL, NOBODY, Scope
from app.queries.search import Search, find
from app.queries.statistics import statistics_of
from app.services.insert import insert_entries
from tests.make import make_entry

PEOPLE = ("bob@example.com", "carol@example.com", "dave@example.org", "eve@example.net")
SENT = (
    ("bob@example.com",),
    ("bob@example.com", "carol@example.com"),
    ("dave@example.org", "carol@example.com"),
    ("eve@example.net",),
    ("dave@example.org",),
)
MANY = tuple(f"user{number}@nowhere.example" for number in range(1000))
SCOPES = {
    "all": (ALL, {0, 1, 2, 3, 4}),
    "nobody": (NOBODY, set()),
    "an address": (Scope(addresses=("bob@example.com",)), {0, 1}),
    "two": (Scope(addresses=("bob@example.com", "dave@example.org")), {0, 1, 2, 4}),
    "a domain": (Scope(domains=("example.com",)), {0, 1, 2}),
    "a domain and an address": (Scope(addresses=("eve@example.net",), domains=("example.com",)), {0, 1, 2, 3}),
    "a thousand addresses": (Scope(addresses=(*MANY, "bob@example.com", "carol@example.com")), {0, 1, 2}),
    "a hundred domains": (Scope(domains=(*(f"d{number}.example" for number in range(100)), "example.org")), {2, 4}),
}  # fmt: skip


@pytest.fixture
def mails(any_app: Flask) -> list[int]:
    entries = [make_entry(recipients=people, keep=True) for people in SENT]
    with any_app.app_context():
        insert_entries(db.engine, entries, "mx1")
    return [entry.id for entry in entries]


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_holds_the_same_mails_whichever_way_it_is_asked(any_app: Flask, mails: list[int], name: str) -> None:
    scope, numbers = SCOPES[name]
    expected = sorted((mails[number] for number in numbers), reverse=True)
    with any_app.app_context():
        found = find(Search(scope), 50)
        assert [row.id for row in found.rows] == expected
        assert found.count in (len(expected), None)
        assert sorted(db.session.scalars(select(Mail.id).where(scope.condition())), reverse=True) == expected
        assert statistics_of(Search(scope)).count == len(expected)
        assert sum(day.count or 0 for day in stored_days(scope, utcnow().date(), UTC).days) == len(expected)
        if not scope.everything:
            assert all(scope.owns(row.first_rcpt) for row in found.rows)
    assert {number for number, people in enumerate(SENT) if any(map(scope.owns, people))} == numbers


def test_what_is_no_address_of_theirs_is_not_owned() -> None:
    scope = Scope(addresses=("bob@example.com",), domains=("example.org",))
    assert [scope.owns(text) for text in ("bob@example.com", "x@example.org")] == [True, True]
    assert not any(scope.owns(text) for text in ("", "bob", "example.org@x", "x@sub.example.org", "bob@example.comx"))
    assert NOBODY.is_empty
    assert not NOBODY.owns("")
