"""What a relay says of one address, or of itself: neither strangers nor somebody who is slow keep others waiting."""

import pathlib
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.extensions import db
from app.models import Notice, NoticeRefusal
from app.queries.people import Reach
from app.services import notice_sending, notices
from app.services.job import Report
from app.services.notice_acts import try_again
from app.services.notice_choices import unsubscribe
from app.services.notice_collect import collect
from app.services.notice_letter import write
from app.services.notice_make import make
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import make_user
from tests.notices import BOB, CAROL, kept, later, letters, ruled, telling_app, told
from tests.servers.relay import Relay

DORA = "dora@example.com"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = telling_app(sqlite_copies.make(tmp_path), tmp_path, relay.url)
    yield app
    close(app)


def strangers(app: Flask, count: int) -> list[str]:
    """Of a domain that wants all of its addresses to be told."""
    ruled(app, "example.com", everybody=True, times="at once")
    found = [f"a{number:03}@example.com" for number in range(count)]
    kept(app, *found)
    return found


def went(relay: Relay) -> list[str]:
    return [address for envelope in relay.envelopes for address in envelope.rcpt_tos]


def test_a_letter_that_takes_long_to_write_goes_and_so_do_those_behind_it(
    app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, address in (("bob", BOB), ("carol", CAROL), ("dora", DORA)):
        make_user(app, name, "Recipient")
        kept(app, address)
    monkeypatch.setattr(notice_sending, "_FRESH_SECONDS", 0.05)

    def slow(notice: Notice, addressee: Any, lines: Sequence[Any], offered: Any) -> bytes:
        time.sleep(0.1)
        return write(notice, addressee, lines, offered)

    with app.app_context():
        report = Report()
        collect(report)
        make(report)
        sender = notice_sending.Sender(report, slow)
        sender.send(10)
        sender.close()
    assert sorted(went(relay)) == [BOB, CAROL, DORA]


@pytest.mark.parametrize("words", ["550 5.4.1 Recipient address rejected: Access denied", "550 No such user here", "551 5.1.6 moved away"])
def test_made_up_addresses_hold_up_nobody(app: Flask, relay: Relay, words: str) -> None:
    made_up = strangers(app, 45)
    make_user(app, "bob", "Recipient")
    kept(app, BOB)
    relay.refuse, relay.refusal = {*made_up}, words
    told(app)
    assert went(relay) == [BOB]


def test_a_relay_that_greylists_gets_each_letter_once_more_before_those_it_never_saw(app: Flask, relay: Relay) -> None:
    people = strangers(app, 60)
    relay.later, relay.not_now = {*people}, "451 4.7.1 greylisted, come back in five minutes"
    told(app)
    tried_once = first_tried(app)
    assert 0 < len(tried_once) < 60
    relay.later -= tried_once  # it knows them now
    later(app, minutes=5)
    told(app)
    assert {*went(relay)} >= {*sorted(tried_once)[:5]}


def first_tried(app: Flask) -> set[str]:
    with app.app_context():
        return {row.address for row in db.session.query(Notice).filter(Notice.tries > 0)}


@pytest.mark.parametrize(("answers", "rests"), [(["250 ok"] * 3 + ["451 4.3.0 slow down"] * 5, False), (["451 4.3.0 full"] * 5, True)])
def test_a_relay_that_takes_some_is_asked_for_more_at_once(app: Flask, relay: Relay, answers: Collection[str], rests: bool) -> None:
    strangers(app, 30)
    relay.answers[:] = answers
    with app.app_context():
        report = Report()
        notices.run(report)
    assert report.rests is rests


def test_what_is_tried_again_by_hand_gets_as_many_tries_as_before(app: Flask, relay: Relay) -> None:
    make_user(app, "bob", "Recipient")
    kept(app, BOB)
    relay.later.add(BOB)
    for _number in range(9):
        told(app)
        later(app, hours=9)
    assert letters(app) == [(BOB, "failed", 1)]
    with app.app_context():
        try_again(Reach(everybody=True), db.session.query(Notice).one().id, actor=SYSTEM)
    told(app)
    assert letters(app) == [(BOB, "waiting", 1)]


def test_an_old_letter_silences_no_account_that_has_its_address_by_now(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    with app.app_context():
        unsubscribe(f"address:{BOB}", actor=SYSTEM)
        unsubscribe("address:eve@example.com", actor=SYSTEM)
        assert [row.address for row in db.session.query(NoticeRefusal)] == ["eve@example.com"]
