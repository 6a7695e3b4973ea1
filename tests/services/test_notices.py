"""Whom letters tell of which kept mail, and of which not."""

import dataclasses
import pathlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import stored_now, utcnow
from app.extensions import db
from app.ids import id_at
from app.models import DomainAlias, MailRecipient, Notice, NoticeDue
from app.models.people import User
from app.services.insert import insert_entries
from tests.apps import close
from tests.make import make_entry, make_user
from tests.notices import (
    BOB,
    CAROL,
    add_address,
    change,
    chosen,
    kept,
    later,
    letter,
    letters,
    lines,
    ruled,
    state_of,
    telling_app,
    text_of,
    told,
)
from tests.servers.relay import Relay


@pytest.fixture
def app(database: str, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    """On each database; Bob and Carol are told at once."""
    app = telling_app(database, tmp_path, relay.url)
    make_user(app, "bob", "Recipient")
    make_user(app, "carol", "Recipient")
    yield app
    close(app)


@pytest.fixture
def small(sqlite_template: pathlib.Path, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Any]:
    """Makes one on SQLite, with settings."""
    apps: list[Flask] = []

    def make(**settings: Any) -> Flask:
        path = tmp_path / f"{len(apps)}.db"
        path.write_bytes(sqlite_template.read_bytes())
        apps.append(telling_app(f"sqlite:///{path}", tmp_path, relay.url, **settings))
        make_user(apps[-1], "bob", "Recipient")
        return apps[-1]

    yield make
    for app in apps:
        close(app)


def test_each_is_told_once_of_each_mail_and_learns_of_nobody_else(app: Flask, relay: Relay) -> None:
    both, one, nobodys = kept(app, BOB, CAROL, subject="Both"), kept(app, BOB, subject="One"), kept(app, "dora@example.com")
    said = told(app)
    assert lines(app) == {(both, "user:bob", BOB), (both, "user:carol", CAROL), (one, "user:bob", BOB)}
    assert sorted(letters(app)) == [(BOB, "sent", 2), (CAROL, "sent", 1)]
    assert [state_of(app, mail_id) for mail_id in (both, one, nobodys)] == ["sent", "sent", "skipped"]
    assert said[-1].startswith("3 new mails, 2 of them to be told of; 2 letters made, 2 sent, 0 failed.")
    mails = {message["To"]: text_of(message) for message in relay.messages}
    assert ("Both" in mails[BOB], "One" in mails[BOB], "carol" in mails[BOB].lower()) == (True, True, False)
    assert ("Both" in mails[CAROL], "One" in mails[CAROL], "bob" in mails[CAROL].lower()) == (True, False, False)
    assert {envelope.mail_from for envelope in relay.envelopes} == {"<>"}
    assert all(message["Auto-Submitted"] == "auto-generated" for message in relay.messages)
    told(app)
    assert len(relay.envelopes) == 2
    kept(app, BOB)
    told(app)
    assert [envelope.rcpt_tos for envelope in relay.envelopes[2:]] == [[BOB]]


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({"action": "add header"}, {}),
        ({"score": 50.2}, {}),
        ({"symbols": ({"name": "SITE_BL", "score": 1.0},)}, {}),
        ({"symbols": ({"name": "MY_BLACKLIST", "score": 1.0},)}, {}),
        ({"symbols": ({"name": "MY_BLACKLIST_2", "score": 1.0},)}, {"NOTICE_NOT_SYMBOLS": ()}),  # a deny map of ours
        ({"virus": "Eicar"}, {}),
        ({"user": "bob"}, {}),
        ({"extra": {"released_from": 7}}, {}),
        ({}, {"NOTICE_TIMES": (), "SMTP_URL": ""}),
        ({}, {"NOTICE_TIMES": (), "PUBLIC_URL": ""}),
    ],
)
def test_of_some_mails_nobody_is_told(small: Any, fields: dict[str, Any], settings: dict[str, Any]) -> None:
    app = small(**settings)
    assert state_of(app, kept(app, **fields)) == "none"


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({"action": "discard"}, {}),
        ({"action": "quarantine", "score": 50.1}, {}),
        ({"action": "add header"}, {"NOTICE_ACTIONS": ("add header",)}),
        ({"score": 99.0}, {"NOTICE_MAX_SCORE": ""}),
        ({"symbols": ({"name": "NOT_BLACK", "score": 1.0},)}, {}),
        ({"virus": "Eicar"}, {"NOTICE_VIRUSES": True}),
    ],
)
def test_of_others_they_are(small: Any, fields: dict[str, Any], settings: dict[str, Any]) -> None:
    app = small(**settings)
    assert state_of(app, kept(app, **fields)) == "due"


def test_what_is_old_or_gone_by_then_or_blocked_by_themselves_is_not_told(small: Any, relay: Relay) -> None:
    app = small()
    entry = dataclasses.replace(make_entry(keep=True), id=id_at(utcnow() - timedelta(days=8), 1, 1))
    with app.app_context():
        insert_entries(db.engine, [make_entry(), entry], "mx1")
    gone, blocked = kept(app), kept(app)
    change(app, gone, copy_state="deleted")
    with app.app_context():
        db.session.query(MailRecipient).filter_by(mail_id=blocked).update({"personal": "deny"})
        db.session.commit()
    told(app)
    assert [state_of(app, mail_id) for mail_id in (entry.id, gone, blocked)] == ["skipped"] * 3
    assert (lines(app), relay.envelopes) == (set(), [])


def test_a_site_that_has_set_nothing_writes_to_nobody(small: Any, relay: Relay) -> None:
    app = small(NOTICE_TIMES=())
    mail_id = kept(app)
    told(app)
    assert (state_of(app, mail_id), lines(app), letters(app), relay.envelopes) == ("skipped", set(), [], [])


def test_a_dry_run_tells_and_changes_nothing(small: Any, relay: Relay) -> None:
    app = small()
    mail_id = kept(app)
    said = told(app, dry=True)
    assert said[-1].startswith("1 new mails, 1 would be told of to 1; 0 are due a letter")
    assert (state_of(app, mail_id), lines(app), letters(app), relay.envelopes) == ("due", set(), [], [])


def test_a_dry_run_names_some_and_counts_the_others(small: Any) -> None:
    app = small()
    ruled(app, "example.com", times="at once", everybody=True)
    kept(app, *(f"dora{number}@example.com" for number in range(53)))
    said = told(app, dry=True)
    assert (len(said), said[-2]) == (52, "... and 3 others")
    assert said[-1].startswith("1 new mails, 1 would be told of to 53; ")


def test_what_happened_before_the_letter_went_is_left_out_of_it(small: Any, relay: Relay) -> None:
    from tests.releases import asked

    app = small(NOTICE_TIMES=(("Recipient", "daily at 07:00"),), UNDO_SECONDS=3600)
    released, deleted, _there = (kept(app, subject=subject) for subject in ("Released", "Deleted", "There"))
    told(app)
    asked(app, released)
    change(app, deleted, copy_state="deleted")
    assert relay.envelopes == []
    later(app, days=1)
    told(app)
    text = text_of(relay.messages[0])
    assert ("Released" in text, "Deleted" in text, "There" in text) == (False, False, True)
    assert letter(app).kind == "digest"


def test_where_all_is_gone_no_letter_goes(app: Flask, relay: Relay) -> None:
    chosen(app, "bob", "hourly")
    mail_id = kept(app)
    told(app)
    assert state_of(app, mail_id) == "waiting"
    change(app, mail_id, copy_state="deleted")
    later(app, hours=1)
    told(app)
    assert (letters(app), state_of(app, mail_id), relay.envelopes) == ([(BOB, "empty", 1)], "skipped", [])
    assert lines(app) == set()


def test_who_wants_none_by_then_gets_none(app: Flask, relay: Relay) -> None:
    chosen(app, "bob", "hourly")
    mail_id, both = kept(app), kept(app, BOB, CAROL)
    told(app)
    chosen(app, "bob", "never")
    later(app, hours=1)
    told(app)
    assert (state_of(app, mail_id), state_of(app, both), lines(app)) == ("skipped", "sent", {(both, "user:carol", CAROL)})
    with app.app_context():
        assert db.session.query(NoticeDue).count() == 0
        db.session.query(User).filter_by(username="carol").update({"active": False})
        db.session.commit()
    kept(app, BOB, CAROL)
    told(app)
    assert [envelope.rcpt_tos for envelope in relay.envelopes] == [[CAROL]]


def test_who_watches_a_domain_is_told_of_all_its_mail(app: Flask, relay: Relay) -> None:
    ruled(app, "example.com", watchers="Watch@example.net\n", watch_times="hourly")
    with app.app_context():
        db.session.add(DomainAlias(alias="example.org", domain="example.com", created_at=stored_now()))
        db.session.commit()
    ids = [kept(app, "dora@example.com", "erik@example.com"), kept(app, "dora@example.org"), kept(app, "dora@example.com.evil")]
    told(app)
    assert lines(app) == {(ids[0], "watch:watch@example.net", "dora@example.com"), (ids[1], "watch:watch@example.net", "dora@example.org")}
    later(app, hours=1)
    told(app)
    assert (relay.envelopes[0].rcpt_tos, letter(app).kind) == (["watch@example.net"], "watch")


def test_a_watcher_who_is_a_recipient_too_is_told_once(app: Flask, relay: Relay) -> None:
    """As the recipient, in whatever order the mail names them; and as the watcher where they would not be told otherwise."""
    ruled(app, "example.com", watchers=f"{BOB}\nerik@example.com", watch_times="at once", everybody=True, times="at once")
    ids = [kept(app, BOB, "dora@example.com"), kept(app, "dora@example.com", "bob+x@example.com"), kept(app, "erik@example.com")]
    told(app)
    mine = {(mail_id, owner) for mail_id, owner, _address in lines(app) if "dora" not in owner}
    watched = {(ids[0], "watch:erik@example.com"), (ids[1], "watch:erik@example.com"), (ids[2], f"watch:{BOB}")}
    assert mine == {(ids[0], "user:bob"), (ids[1], "user:bob"), (ids[2], "address:erik@example.com")} | watched
    chosen(app, "bob", "never")
    last = kept(app, BOB)
    told(app)
    assert (last, f"watch:{BOB}") in {(mail_id, owner) for mail_id, owner, _address in lines(app)}


def test_an_address_without_an_account_is_told_where_its_domain_wants_it(app: Flask) -> None:
    ruled(app, "example.com", everybody=True, times="at once")
    mail_id = kept(app, "dora+shop@example.com", "dora@example.com", BOB)
    kept(app, "dora@example.net")
    told(app)
    assert lines(app) == {(mail_id, "address:dora@example.com", "dora+shop@example.com"), (mail_id, "user:bob", BOB)}


def test_what_comes_back_to_us_is_told_to_nobody(app: Flask, relay: Relay) -> None:
    """Else whoever watches over our own address could be told of each letter that tells him."""
    ruled(app, "example.com", everybody=True, times="at once", watchers="watch@example.net", watch_times="at once")
    mail_id = kept(app, "Keep@example.com", mail_from="")
    told(app)
    assert (state_of(app, mail_id), relay.envelopes) == ("skipped", [])


def test_two_addresses_of_one_account_are_one_line(app: Flask) -> None:
    add_address(app, "bob", "info@example.com")
    mail_id = kept(app, "info@example.com", BOB, "bob+shop@example.com")
    told(app)
    assert (lines(app), letters(app)) == ({(mail_id, "user:bob", "info@example.com")}, [(BOB, "sent", 1)])


def test_the_earliest_of_its_times_counts(app: Flask) -> None:
    chosen(app, "bob", "daily at 07:00")
    kept(app)
    told(app)
    chosen(app, "bob", "at once")
    kept(app)
    told(app)
    assert letters(app) == [(BOB, "sent", 2)]


def test_more_than_a_letter_takes_at_once_is_still_one_letter(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.services import notice_ends, notice_make

    monkeypatch.setattr(notice_make, "_LINES", 3)
    monkeypatch.setattr(notice_ends, "_MAILS", 2)
    ids = [kept(app) for _ in range(8)]
    told(app)
    assert (letters(app), len(relay.envelopes)) == ([(BOB, "sent", 8)], 1)
    assert {state_of(app, mail_id) for mail_id in ids} == {"sent"}
    with app.app_context():
        assert db.session.query(Notice).one().next_try_at is None
