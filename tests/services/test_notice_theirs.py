"""A letter tells of what is its reader's as it goes, not of what was so when the mail came."""

import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask

from app.extensions import db
from app.models import UserAddress
from app.models.people import User
from tests.apps import close
from tests.make import make_user
from tests.notices import add_address, chosen, kept, later, letters, ruled, state_of, telling_app, text_of, told
from tests.servers.relay import Relay

BOSS = "boss@example.com"


@pytest.fixture
def app(sqlite_template: pathlib.Path, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    path = tmp_path / "mailkeep.db"
    path.write_bytes(sqlite_template.read_bytes())
    app = telling_app(f"sqlite:///{path}", tmp_path, relay.url)
    make_user(app, "bob", "Recipient")
    yield app
    close(app)


def told_of(relay: Relay) -> str:
    return "".join(text_of(message) for message in relay.messages)


def test_an_address_that_was_lost_meanwhile_is_told_of_no_more(app: Flask, relay: Relay) -> None:
    add_address(app, "bob", "sales@example.com")
    chosen(app, "bob", "daily at 07:00")
    kept(app, "sales@example.com", subject="Of the new one")
    kept(app, "bob@example.com", subject="Of Bob")
    told(app)
    with app.app_context():
        db.session.query(UserAddress).filter_by(address="sales@example.com").delete()
        db.session.commit()
    later(app, days=1)
    told(app)
    assert "Of Bob" in told_of(relay)
    assert "Of the new one" not in told_of(relay)


def test_who_watches_a_domain_no_more_is_not_told_of_it_by_a_letter_on_its_way(app: Flask, relay: Relay) -> None:
    ruled(app, "example.com", watchers=BOSS, watch_times="at once")
    ruled(app, "other.com", watchers=BOSS, watch_times="at once")
    relay.later.add(BOSS)
    kept(app, "x@example.com", subject="Still theirs")
    kept(app, "x@other.com", subject="Not theirs any more")
    told(app)
    ruled(app, "other.com")
    relay.later.clear()
    later(app, minutes=5)
    told(app)
    assert letters(app) == [(BOSS, "sent", 2)]
    assert "Still theirs" in told_of(relay)
    assert "Not theirs any more" not in told_of(relay)


def test_an_account_without_any_role_is_told_of_nothing(app: Flask) -> None:
    """It sees no mail either, and its links would do nothing."""
    chosen(app, "bob", "at once")
    with app.app_context():
        bob = db.session.query(User).filter_by(username="bob").one()
        bob.roles = []
        db.session.commit()
    kept(app, "bob@example.com")
    told(app)
    assert letters(app) == []


def test_where_a_letter_went_is_what_its_page_says_and_its_links_stand_on(app: Flask, relay: Relay) -> None:
    relay.later.add("bob@example.com")
    mail_id = kept(app, "bob@example.com")
    told(app)
    with app.app_context():
        db.session.query(User).filter_by(username="bob").one().email = "bob@new.example"
        db.session.commit()
    add_address(app, "bob", "bob@example.com")
    later(app, minutes=5)
    told(app)
    assert relay.envelopes[0].rcpt_tos == ["bob@new.example"]
    assert letters(app) == [("bob@new.example", "sent", 1)]
    assert state_of(app, mail_id) == "sent"
