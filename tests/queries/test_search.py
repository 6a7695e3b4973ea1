"""Searching: what is found is what a plain loop over all mails finds, page by page, on each database."""

import dataclasses
import ipaddress
import random
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from flask import Flask

from app.errors import BadRequest
from app.extensions import db
from app.forms.search import Term, read_filters, read_terms
from app.models import Mail
from app.queries.scope import ALL, NOBODY, Scope
from app.queries.search import Found, Search, find
from app.services.insert import insert_entries
from tests.make import make_entry, make_mails

SENDERS = ("a@example.net", "b@example.net", "a_b@example.org", "a%b@example.org", "")
SUBJECTS = ("Invoice 100%", "invoice_7", "Ρωτώ", "", "Hello World")
RCPTS = ("bob@example.com", "carol@example.com", "dave@example.org")
IPS = ("198.51.100.7", "198.51.100.200", "2001:db8::7", None)


@pytest.fixture
def mails(any_app: Flask) -> list[Any]:
    """300 mails of few values, so that every filter finds some."""
    chance = random.Random(7)
    entries = [
        make_entry(
            mail_from=chance.choice(SENDERS),
            header_from=f"X <{chance.choice(SENDERS[:2])}>",
            header_to=chance.choice(("Team <team@example.com>", "")),
            subject=chance.choice(SUBJECTS),
            recipients=tuple(chance.sample(RCPTS, chance.randint(1, 3))),
            ip=chance.choice(IPS),
            action=chance.choice(("reject", "no action", "add header")),
            score=chance.choice((-2.0, 0.0, 5.5, 20.0)),
            size=chance.choice((500, 40_000, 2_000_000)),
            user=chance.choice(("", "bob")),
            headers=chance.choice(("X-One: 1", "X-Two: 2")),
            keep=chance.random() < 0.4,
            symbols=tuple(
                {"name": name, "score": chance.choice((0.5, 4.5))} for name in chance.sample(("BAYES_SPAM", "R_SPF_FAIL", "MY_BL"), 2)
            ),
        )
        for _ in range(300)
    ]
    with any_app.app_context():
        insert_entries(db.engine, entries, "mx1")
    return entries


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


def network_has(network: str, ip: str | None) -> bool:
    return ip is not None and ipaddress.ip_address(ip) in ipaddress.ip_network(network)


def has(entry: Any, name: str, least: float = -99) -> bool:
    return any(symbol["name"] == name and symbol["score"] >= least for symbol in entry.report.symbols)


def all_of_them(_entry: Any) -> bool:
    return True


def none_of_them(_entry: Any) -> bool:
    return False


Rule = Callable[[Any], bool]
CASES: list[tuple[tuple[str, ...], Rule]] = [
    ((), all_of_them),
    (("sender.is=A@example.net",), lambda e: e.report.mail_from == "a@example.net"),
    (("sender.not=a@example.net",), lambda e: e.report.mail_from != "a@example.net"),
    (("sender.contains=_b",), lambda e: "_b" in e.report.mail_from),
    (("sender.contains=%",), lambda e: "%" in e.report.mail_from),
    (("sender.starts=a",), lambda e: e.report.mail_from.startswith("a")),
    (("sender.starts=a_",), lambda e: e.report.mail_from.startswith("a_")),
    (("sender.lacks=example.net",), lambda e: "example.net" not in e.report.mail_from),
    (("sender.empty=",), lambda e: e.report.mail_from == ""),
    (("from.is=b@example.net",), lambda e: "b@example.net" in e.report.header_from),
    (("sender_domain.is=@example.org",), lambda e: e.report.mail_from.endswith("@example.org")),
    (("from_domain.is=example.net",), all_of_them),
    (("rcpt.is=Bob@example.com",), lambda e: "bob@example.com" in e.report.recipients),
    (("rcpt.not=bob@example.com",), lambda e: "bob@example.com" not in e.report.recipients),
    (("rcpt.contains=@example.org",), lambda e: "dave@example.org" in e.report.recipients),
    (("rcpt.starts=car",), lambda e: "carol@example.com" in e.report.recipients),
    (("rcpt.lacks=car",), lambda e: "carol@example.com" not in e.report.recipients),
    (("rcpt_domain.is=example.com",), lambda e: any(r.endswith("example.com") for r in e.report.recipients)),
    (("to.contains=team",), lambda e: "team" in e.report.header_to),
    (("to.lacks=team",), lambda e: "team" not in e.report.header_to),
    (("subject.is=Hello World",), lambda e: e.report.subject == "Hello World"),
    (("subject.contains=INVOICE",), lambda e: "invoice" in e.report.subject.lower()),
    (("subject.contains=100%",), lambda e: "100%" in e.report.subject),
    (("subject.starts=Hello",), lambda e: e.report.subject.startswith("Hello")),
    (("subject.lacks=invoice",), lambda e: "invoice" not in e.report.subject.lower()),
    (("subject.empty=1",), lambda e: e.report.subject == ""),
    (("ip.is=198.51.100.7",), lambda e: e.report.ip == "198.51.100.7"),
    (("ip.is=198.51.100.0/25",), lambda e: network_has("198.51.100.0/25", e.report.ip)),
    (("ip.is=2001:db8::/32",), lambda e: e.report.ip == "2001:db8::7"),
    (("ip.is=0.0.0.0/0",), lambda e: e.report.ip is not None and "." in e.report.ip),
    (
        ("ip.not=198.51.100.0/24",),
        lambda e: not network_has("198.51.100.0/24", e.report.ip) if e.report.ip and "." in e.report.ip else True,
    ),
    (("ip.empty=1",), lambda e: e.report.ip is None),
    (("action.is=reject",), lambda e: e.report.action == "reject"),
    (("action.not=reject",), lambda e: e.report.action != "reject"),
    (("score.ge=5.5",), lambda e: e.report.score >= 5.5),
    (("score.le=0",), lambda e: e.report.score <= 0),
    (("score.between=0..6",), lambda e: 0 <= e.report.score <= 6),
    (("size.ge=1M",), lambda e: e.report.size >= 1_000_000),
    (("size.between=1k..50 kB",), lambda e: 1000 <= e.report.size <= 50_000),
    (("symbol.is=BAYES_SPAM",), lambda e: has(e, "BAYES_SPAM")),
    (("symbol.is=BAYES",), none_of_them),
    (("symbol.is=BAYES%SPAM",), none_of_them),
    (("symbol.not=BAYES_SPAM",), lambda e: not has(e, "BAYES_SPAM")),
    (("symbol.ge=BAYES_SPAM 4",), lambda e: has(e, "BAYES_SPAM", 4)),
    (("virus.is=yes",), none_of_them),
    (("risk.is=no",), all_of_them),
    (("listed.is=deny",), lambda e: has(e, "MY_BL")),
    (("listed.not=deny",), lambda e: not has(e, "MY_BL")),
    (("stored.is=yes",), lambda e: e.keep),
    (("stored.is=no",), lambda e: not e.keep),
    (("notified.is=yes",), none_of_them),
    (("released.is=no",), all_of_them),
    (("node.is=mx1",), all_of_them),
    (("user.is=bob",), lambda e: e.report.user == "bob"),
    (("user.empty=1",), lambda e: e.report.user == ""),
    (("direction.is=out",), lambda e: e.report.user == "bob"),
    (("headers.contains=x-one",), lambda e: "X-One" in e.report.headers),
    (("headers.lacks=x-one",), lambda e: "X-One" not in e.report.headers),
    (("time.on=today",), all_of_them),
    (("time.le=2020-01-01",), none_of_them),
    (("q=bob@example.com",), lambda e: "bob@example.com" in e.report.recipients),
    (("q=a@example.net",), lambda e: e.report.mail_from == "a@example.net" or "<a@example.net>" in e.report.header_from),
    (("q=example.org",), lambda e: e.report.mail_from.endswith("@example.org") or "dave@example.org" in e.report.recipients),
    (("q=198.51.100.200",), lambda e: e.report.ip == "198.51.100.200"),
    (("q=hello world",), lambda e: e.report.subject == "Hello World"),
    (
        ("sender.is=a@example.net", "rcpt.is=bob@example.com"),
        lambda e: e.report.mail_from == "a@example.net" and "bob@example.com" in e.report.recipients,
    ),
    (
        ("score.ge=5", "symbol.ge=BAYES_SPAM 4", "headers.contains=x-two"),
        lambda e: e.report.score >= 5 and has(e, "BAYES_SPAM", 4) and "X-Two" in e.report.headers,
    ),
    (("action.is=reject", "action.is=discard"), none_of_them),
]


def as_seen_by(addresses: tuple[str, ...] | None, entry: Any) -> Any:
    """With the recipients this person may know of, or None where the mail is not theirs."""
    if addresses is None:
        return entry
    own = tuple(address for address in entry.report.recipients if address in addresses)
    return dataclasses.replace(entry, report=dataclasses.replace(entry.report, recipients=own)) if own else None


def test_every_filter_finds_what_a_plain_loop_finds(any_app: Flask, mails: list[Any]) -> None:
    scopes: tuple[tuple[str, ...] | None, ...] = (None, ("bob@example.com",), ("carol@example.com", "dave@example.org"), ())
    with any_app.app_context():
        for addresses in scopes:
            seen = [entry for entry in (as_seen_by(addresses, entry) for entry in reversed(mails)) if entry is not None]
            for texts, rule in CASES:
                expected = [entry.id for entry in seen if rule(entry)]
                assert all_pages(search_of(*texts, addresses=addresses)) == expected, (texts, addresses)


def test_a_row_tells_nobody_of_another_recipient(any_app: Flask, mails: list[Any]) -> None:
    with any_app.app_context():
        rows = find(search_of(addresses=("bob@example.com",)), 500).rows
        assert {(row.first_rcpt, row.rcpt_count) for row in rows} == {("bob@example.com", 1)}
        assert {row.rcpt_count for row in find(search_of(), 500).rows} == {1, 2, 3}


def test_pages_go_up_as_they_go_down(any_app: Flask, mails: list[Any]) -> None:
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


def test_counts_are_exact_up_to_the_cap_and_stop_there(any_app: Flask, mails: list[Any]) -> None:
    with any_app.app_context():
        assert find(search_of(), 5).count == 300
        assert find(search_of(), 5, cap=100).count == 101
        rejected = sum(e.report.action == "reject" for e in mails)
        assert find(search_of("action.is=reject"), 5).count == rejected
        both = sum(bool({"bob@example.com", "carol@example.com"} & set(e.report.recipients)) for e in mails)
        assert find(search_of(addresses=("bob@example.com", "carol@example.com")), 5).count == both
        assert find(search_of("headers.contains=x-one"), 5).count is None
        assert find(search_of("headers.contains=nowhere"), 5).count == 0


def test_a_search_without_time_says_how_far_it_looked_and_goes_on_from_there(any_app: Flask, mails: list[Any]) -> None:
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
