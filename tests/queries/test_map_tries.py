"""What entries of a map would have hit is what a plain loop over the log finds, on each database, within its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.clock import stored_now, utcnow
from app.extensions import db
from app.ids import MAX_ID, id_at
from app.models import Mail, Map
from app.queries import map_tries
from app.queries.map_samples import Sampler, Untold, sampler_of
from app.queries.map_tries import SHOWN, Tried, try_values
from app.queries.map_ways import way_to
from app.queries.scope import ALL, NOBODY, Scope
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import read_value
from app.services.entry import Entry
from app.services.insert import insert_entries
from tests.make import list_value, make_entry
from tests.queries.cases import network_has, put_mails

BOB = Scope(("bob@example.com",))
Rule = Callable[[Any], bool]


def make_map(kind: str, part: str, **fields: Any) -> Map:
    values = {
        "name": "tried",
        "title": "T",
        "description": "",
        "colour": "deny",
        "header": "",
        "symbol": "",
        "editors": "admins",
        "needs_proof": False,
    }
    return Map(kind=kind, part=part, created_at=stored_now(), changed_at=stored_now(), **values | fields)


@pytest.fixture
def mails(any_app: Flask) -> list[Entry]:
    return put_mails(any_app)


def _from(entry: Any) -> str:
    return str(entry.report.header_from[3:-1])


CASES: list[tuple[str, str, tuple[str, ...], Rule]] = [
    ("address_or_domain", "mail_from", ("a@example.net",), lambda e: e.report.mail_from == "a@example.net"),
    ("address_or_domain", "mail_from", ("example.org", "b@example.net"), lambda e: e.report.mail_from not in ("a@example.net", "")),
    ("domain", "mime_from", ("example.net",), lambda e: _from(e).endswith("@example.net")),
    ("address", "rcpt", ("bob@example.com",), lambda e: "bob@example.com" in e.report.recipients),
    ("domain", "rcpt", ("example.org",), lambda e: "dave@example.org" in e.report.recipients),
    ("ip", "ip", ("198.51.100.0/25", "2001:db8::/32"), lambda e: network_has("198.51.100.0/25", e.report.ip) or e.report.ip == "2001:db8::7"),
    ("text", "user", ("bob",), lambda e: e.report.user == "bob"),
    ("text", "subject", ("hello world",), lambda e: e.report.subject == "Hello World"),
    ("text", "header", ("1",), lambda e: e.report.headers == "X-One: 1"),
    ("regexp", "subject", ("/^invoice/i",), lambda e: e.report.subject.lower().startswith("invoice")),
    ("regexp", "mail_from", ("/^a.b@/", "/^b@/"), lambda e: e.report.mail_from[:1] in ("a", "b") and e.report.mail_from != "a@example.net"),
    ("virus", "virus", ("Eicar",), lambda e: e.virus == "Eicar"),
    ("pair", "mail_from", ("a@example.net|bob@example.com",), lambda e: e.report.mail_from == "a@example.net" and "bob@example.com" in e.report.recipients),
    ("pair", "mime_from", ("example.org|example.org",), lambda e: _from(e).endswith("example.org") and "dave@example.org" in e.report.recipients),
]  # fmt: skip


def test_it_finds_what_a_plain_loop_finds(any_app: Flask, mails: list[Entry]) -> None:
    with any_app.app_context():
        for kind, part, values, rule in CASES:
            found = try_values(
                ALL, make_map(kind, part, header="X-One"), [read_value(MapKind(kind), text).text for text in values], seconds=30
            )
            expected = [entry.id for entry in reversed(mails) if rule(entry)]
            assert (found.count, [row.id for row in found.rows]) == (len(expected), expected[:SHOWN]), (kind, part)
            assert expected
            assert (found.capped, found.searched_to, found.untold) == (False, None, None)


def test_who_sees_only_some_mail_tries_only_on_that(any_app: Flask, mails: list[Entry]) -> None:
    seen = [entry for entry in reversed(mails) if "bob@example.com" in entry.report.recipients]
    with any_app.app_context():
        found = try_values(BOB, make_map("domain", "mail_from"), ["example.net"], seconds=30)
        assert found.count == sum(entry.report.mail_from.endswith("@example.net") for entry in seen)
        assert {row.first_rcpt for row in found.rows} == {"bob@example.com"}
        for kind, part, value in (("address", "rcpt", "dave@example.org"), ("pair", "mail_from", "example.net|dave@example.org")):
            assert try_values(BOB, make_map(kind, part), [value], seconds=30).count == 0
        assert try_values(NOBODY, make_map("domain", "mail_from"), ["example.net"]) == Tried()


@pytest.mark.parametrize("most", [1000, 2])
def test_a_whole_map_is_tried_with_the_entries_that_count_now(
    any_app: Flask, mails: list[Entry], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held in memory, or asked for where they are many."""
    monkeypatch.setattr(map_tries, "_MOST_VALUES", most)
    list_value(any_app, "mail_from_blacklist", "a@example.net", "nowhere.example", "x@example.org", "198.example")
    list_value(any_app, "mail_from_blacklist", "b@example.net", enabled=False)
    list_value(any_app, "ip_blacklist", "198.51.100.0/25", "203.0.113.0/24", "2001:db8:1::/48")
    with any_app.app_context():
        maps = {found.name: found for found in db.session.query(Map)}
        assert try_values(ALL, maps["mail_from_blacklist"], seconds=30).count == sum(e.report.mail_from == "a@example.net" for e in mails)
        assert try_values(ALL, maps["ip_blacklist"], seconds=30).count == sum(network_has("198.51.100.0/25", e.report.ip) for e in mails)
        assert try_values(ALL, maps["mime_from_blacklist"]) == Tried()


def test_tags_and_the_spelling_of_domains_do_not_matter(any_app: Flask) -> None:
    senders = ("list+7@räksmörgås.example", "list@xn--rksmrgs-5wao1o.example", "list@other.example", "listing@xn--rksmrgs-5wao1o.example")
    entries = [make_entry(mail_from=sender, header_from="", recipients=("Bob+x@alias.example",)) for sender in senders]
    with any_app.app_context():
        insert_entries(db.engine, entries, "mx1")
        found = {value: try_values(ALL, make_map("address_or_domain", "mail_from"), [value], seconds=30).count for value in (
            "list@xn--rksmrgs-5wao1o.example", "xn--rksmrgs-5wao1o.example")}  # fmt: skip
        assert list(found.values()) == [2, 3]
        assert try_values(ALL, make_map("address", "rcpt"), ["bob@alias.example"], seconds=30).count == 4


def test_letters_of_subjects_are_alike_in_either_case(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with any_app.app_context():
        insert_entries(db.engine, [make_entry(subject=subject) for subject in ("Größe 7", "GRÖßE 7", "Grosse 7")], "mx1")
        assert try_values(ALL, make_map("text", "subject"), [read_value(MapKind.TEXT, "GRÖßE 7").text], seconds=30).count == 2


def test_what_needs_a_proof_hits_only_what_is_proven(app: Flask) -> None:
    proven = ({"name": "R_SPF_ALLOW", "score": 0.0},)
    entries = [make_entry(symbols=symbols) for symbols in ((), proven, ({"name": "R_SPF_FAIL", "score": 1.0},))]
    with app.app_context():
        insert_entries(db.engine, entries, "mx1")
        found = try_values(ALL, make_map("domain", "mail_from", needs_proof=True), ["example.net"], seconds=30)
    assert [row.id for row in found.rows] == [entries[1].id]


def test_only_the_days_asked_for_and_no_more_than_the_cap(app: Flask) -> None:
    app.config["COUNT_CAP"] = 5
    old = make_entry(mail_from="old@old.example")
    entries = [make_entry() for _ in range(8)]
    with app.app_context():
        insert_entries(db.engine, entries, "mx1")
        insert_entries(db.engine, [old], "mx1")
        db.session.execute(update(Mail).where(Mail.id == old.id).values(id=id_at(utcnow() - timedelta(days=8), 1, 1)))
        db.session.commit()
        found = try_values(ALL, make_map("domain", "mail_from"), ["example.net"], seconds=30)
        assert (found.count, found.capped, len(found.rows)) == (5, True, 8)
        for days, count in ((7, 0), (9, 1)):
            assert try_values(ALL, make_map("domain", "mail_from"), ["old.example"], days=days, seconds=30).count == count


def test_what_the_log_does_not_tell_is_said(app: Flask) -> None:
    cases = {("regexp", "body"): "not_kept", ("url", "url"): "not_kept", ("asn", "asn"): "not_kept", ("host", "helo"): "not_kept",
             ("key_value", "none"): "no_part", ("country", "country"): "no_countries"}  # fmt: skip
    with app.app_context():
        assert {each: try_values(ALL, make_map(*each), ["x"]).untold for each in cases} == cases
        many = [f"/x{number}/" for number in range(501)]
        assert try_values(ALL, make_map("regexp", "subject"), many).untold is Untold.TOO_MANY
        insert_entries(db.engine, [make_entry(), make_entry(ip="2001:db8::7")], "mx1")
        found = try_values(ALL, make_map("country", "country"), ["GR"], country_of=lambda ip: ("GR", "Greece") if ":" in ip else None)
        assert found.count == 1


def test_time_that_runs_out_is_told_and_a_hostile_regexp_holds_up_nobody(app: Flask) -> None:
    with app.app_context():
        insert_entries(db.engine, [make_entry(subject="a" * 60 + "!")], "mx1")
        assert try_values(ALL, make_map("text", "subject"), ["x"], seconds=0) == Tried(searched_to=MAX_ID)
        found = try_values(ALL, make_map("regexp", "subject"), ["/^(a+)+$/"], seconds=0.5)
        assert found.count == 0


def test_exact_values_are_found_by_an_index(app: Flask) -> None:
    parts = {"mail_from": ("a@example.net", "example.net"), "mime_from": ("a@example.net",), "rcpt": ("bob@example.com", "example.com")}
    with app.app_context():
        for part, values in {**parts, "ip": ("192.0.2.0/24",), "user": ("bob",), "virus": ("eicar",)}.items():
            found = sampler_of(
                ALL, make_map({"ip": "ip", "user": "text", "virus": "virus"}.get(part, "address_or_domain"), part), "+", {}, None
            )
            assert isinstance(found, Sampler)
            for value in values:
                way = way_to(found, [value], ALL)
                assert way is not None
                assert way.branches


def test_hundreds_of_regexps_are_tried_at_once(app: Flask) -> None:
    """One of them would take for ever."""
    with app.app_context():
        insert_entries(
            db.engine, [make_entry(subject=text) for text in ("Wave 7", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "Hello")], "mx1"
        )
        many = [*(f"/^wave {number}$/i" for number in range(400)), "/^(a+)+$/", "/a{2}!$/"]
        found = try_values(ALL, make_map("regexp", "subject"), many, seconds=30)
        assert (found.count, found.searched_to) == (2, None)
