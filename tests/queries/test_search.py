"""Searching: what is found is what a plain loop over all mails finds, page by page, on each database."""

import dataclasses
import re
from datetime import UTC
from typing import Any

import pytest
from flask import Flask

from app.errors import BadRequest
from app.extensions import db
from app.forms.labels import hint
from app.forms.search import Term, read_filters, read_terms
from app.models import Mail
from app.queries.fields import FIELDS
from app.queries.scope import ALL, NOBODY, Scope
from app.queries.search import Found, Search, find
from app.services.entry import Entry
from tests.make import make_mails
from tests.queries.cases import CASES, DERIVED, put_mails


@pytest.fixture
def mails(any_app: Flask) -> list[Entry]:
    return put_mails(any_app)


def search_of(*texts: str, addresses: tuple[str, ...] | None = None) -> Search:
    pairs = [tuple(text.split("=", 1)) for text in texts]
    return Search(ALL if addresses is None else Scope(addresses=addresses), read_filters(read_terms(pairs), UTC))  # type: ignore[arg-type]


def all_pages(search: Search, size: int = 17) -> list[int]:
    found: list[int] = []
    before = None
    while True:
        page = find(search, size, before=before, seconds=30)
        found += [row.id for row in page.rows]
        assert page.searched_to is None
        if page.older is None:
            return found
        before = page.older


def as_seen_by(addresses: tuple[str, ...] | None, entry: Any) -> Any:
    """With the recipients this person may know of, or None where the mail is not theirs."""
    if addresses is None:
        return entry
    own = tuple(address for address in entry.report.recipients if address in addresses)
    return dataclasses.replace(entry, report=dataclasses.replace(entry.report, recipients=own)) if own else None


def test_every_filter_finds_what_a_plain_loop_finds(any_app: Flask, mails: list[Entry]) -> None:
    """In small pages, and for one address alone, on one database: that is for none of them to do in its own way."""
    scopes: list[tuple[str, ...] | None] = [None, ("carol@example.com", "dave@example.org")]
    with any_app.app_context():
        is_first = db.engine.dialect.name == "sqlite"
        for addresses in [None, ("bob@example.com",), ()] if is_first else scopes:
            seen = [entry for entry in (as_seen_by(addresses, entry) for entry in reversed(mails)) if entry is not None]
            for cases, size in ((CASES, 17), (DERIVED, 130)) if is_first else ((CASES if addresses else [*CASES, *DERIVED], 130),):
                for texts, rule in cases:
                    expected = [entry.id for entry in seen if rule(entry)]
                    assert all_pages(search_of(*texts, addresses=addresses), size) == expected, (texts, addresses)


def test_no_field_and_no_operator_is_forgotten(any_app: Flask, mails: list[Entry]) -> None:
    """And each derived case parts the mails: a condition that finds all or none would prove nothing."""
    asked = {texts[0].partition("=")[0] for texts, _ in DERIVED}
    assert asked == {f"{field.name}.{op.value}" for field in FIELDS.values() if field.name != "q" for op in field.ops}
    assert [texts for texts, rule in DERIVED if not 0 < sum(map(rule, mails)) < len(mails)] == []


def test_a_row_tells_nobody_of_another_recipient(any_app: Flask, mails: list[Entry]) -> None:
    with any_app.app_context():
        rows = find(search_of(addresses=("bob@example.com",)), 500).rows
        assert {(row.first_rcpt, row.rcpt_count) for row in rows} == {("bob@example.com", 1)}
        assert {row.rcpt_count for row in find(search_of(), 500).rows} == {1, 2, 3}


def test_pages_go_up_as_they_go_down(any_app: Flask, mails: list[Entry]) -> None:
    with any_app.app_context():
        for texts in ((), ("action.is=reject",), ("score.ge=5",), ("headers.contains=x-one",)):
            for addresses in (None, ("bob@example.com", "dave@example.org")):
                search = search_of(*texts, addresses=addresses)
                everything = all_pages(search)
                first = find(search, 20, seconds=30)
                second = find(search, 20, before=first.older, seconds=30)
                back = find(search, 20, after=second.newer, seconds=30)
                assert [row.id for row in back.rows] == everything[:20], texts
                assert back.newer is None
                assert find(search, 10, after=everything[25], seconds=30).newer == everything[15]


def test_counts_are_exact_up_to_the_cap_and_stop_there(any_app: Flask, mails: list[Entry]) -> None:
    with any_app.app_context():
        assert find(search_of(), 5).count == 300
        assert find(search_of(), 5, cap=100).count == 101
        rejected = sum(e.report.action == "reject" for e in mails)
        assert find(search_of("action.is=reject"), 5).count == rejected
        both = sum(bool({"bob@example.com", "carol@example.com"} & set(e.report.recipients)) for e in mails)
        assert find(search_of(addresses=("bob@example.com", "carol@example.com")), 5).count == both
        assert find(search_of("headers.contains=x-one"), 5).count is None
        assert find(search_of("headers.contains=nowhere"), 5).count == 0


def test_a_search_without_time_says_how_far_it_looked_and_goes_on_from_there(any_app: Flask, mails: list[Entry]) -> None:
    with any_app.app_context():
        search = search_of("headers.contains=x-one")
        everything = all_pages(search)
        page = find(search, 200, seconds=0)
        assert page.rows == []
        assert page.searched_to is not None
        found: list[int] = []
        before: int | None = page.searched_to
        while before is not None:
            page = find(search, 50, before=before, seconds=30)
            found += [row.id for row in page.rows]
            before = page.older or page.searched_to
        assert found == everything


def test_a_statement_that_takes_too_long_ends_and_the_next_one_works(any_app: Flask) -> None:
    from sqlalchemy import func, select

    from app.queries.bounded import TooSlow, fetch

    make_mails(any_app, 60)
    with any_app.app_context():
        a, b, c, d = (Mail.__table__.alias(name) for name in "abcd")
        huge = select(func.count()).select_from(a.join(b, a.c.id != b.c.id).join(c, b.c.id != c.c.id).join(d, c.c.id != d.c.id))
        with db.engine.connect() as connection:
            with pytest.raises(TooSlow):
                fetch(connection, huge, 0.05)
            assert fetch(connection, select(func.count()).select_from(Mail), 5)[0][0] == 60


@pytest.mark.parametrize("addresses", [None, ("bob@example.com",)])
@pytest.mark.parametrize("where", ["walk", "search"])
def test_a_machine_that_stalls_for_a_moment_loses_no_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch, where: str, addresses: tuple[str, ...] | None
) -> None:
    """A page of 25 is small already: a statement that timed out is tried once more."""
    from app.queries import bounded

    stalls = iter([True, True])

    def stalling(*args: Any) -> Any:
        if next(stalls, False):
            raise bounded.TooSlow
        return bounded.fetch(*args)

    everything = make_mails(app, 40)
    monkeypatch.setattr(f"app.queries.{where}.fetch", stalling)
    with app.app_context():
        page = find(search_of(addresses=addresses), 25, seconds=30)
    assert [row.id for row in page.rows] == everything[:-26:-1]
    assert next(stalls, None) is None


@pytest.mark.parametrize(
    "text",
    ["nothing.is=1", "sender.ge=1", "ip.is=300.1.1.1", "score.ge=many", "score.ge=nan", "score.between=5", "size.ge=big", "time.on=someday",
     "time.on=0001-01-01", "time.between=2026-01-01", "virus.is=perhaps", "listed.is=maybe", "symbol.ge=BAYES_SPAM", "sender.is=" + "x" * 501, "subject.is=a\0b",
     "sender.starts=<>", "sender_domain.starts=@", "queue_id.starts=<", "user.contains=<", "size.ge=" + "9" * 400, "time.ge=9999-12-31T00:00:00+00:00",
     "time.on=2500-01-01T00:00:00Z", "time.ge=0001-01-01T00:00:00+14:00", "headers.contains=" + "x" * 201, "score=5", "sender=x", "foo=1"],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_text(app: Flask, text: str) -> None:
    with app.test_request_context(), pytest.raises(BadRequest):
        search_of(text)


def test_an_example_of_the_form_can_be_searched_for(app: Flask) -> None:
    with app.test_request_context():
        for field in FIELDS.values():
            for op in field.ops:
                for example in re.split(", | or ", hint(field, op)):
                    assert not example or search_of(f"{field.name}.{op}={example}").filters


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("bob@example.com", {"sender", "from", "rcpt", "message_id"}),
        ("<CAF1x=abc@mail.example.com>", {"sender", "from", "rcpt", "message_id"}),
        ("@example.com", {"sender_domain", "from_domain", "rcpt_domain"}),
        ("mail.example.com", {"sender_domain", "from_domain", "rcpt_domain"}),
        ("2001:db8::/32", {"ip"}),
        ("192.0.2.1", {"ip"}),
        ("4F1A2B3C4D", {"queue_id"}),
        ("4cXyZ12bWqz9Lp", {"queue_id"}),
        ("1tGhYq-000000004Xk-2abc", {"queue_id"}),
        ("invoice", {"subject"}),
        ("your invoice 2026", {"subject"}),
        ("2026", {"subject"}),
    ],
)
def test_the_quick_box_tells_what_was_meant(app: Flask, text: str, fields: set[str]) -> None:
    with app.test_request_context():
        found = search_of(f"q={text}").filters
    named = {inner.field for f in found for inner in (f.value if f.field == "q" else [f])}
    assert named == fields


def test_terms_read_and_write_the_same_url() -> None:
    pairs = [("q", "x y"), ("score.ge", "5"), ("sender.is", "a@b"), ("sender.is", "c@d")]
    terms = read_terms([*pairs, ("before", "1"), ("format", "csv"), ("sender.is", "  ")])
    assert [(term.name, term.text) for term in terms] == pairs
    assert terms[0] == Term("q", terms[0].op, "x y")


def test_nobody_finds_nothing(app: Flask) -> None:
    make_mails(app, 3)
    with app.app_context():
        assert find(Search(NOBODY), 5) == Found([], count=0)
