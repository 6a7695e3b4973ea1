"""Letters whose ground has moved while they waited: an address is new or lost, a domain wants none, one cannot be written."""

import re
from collections import Counter

from flask import Flask

from app.actor import command_line
from app.extensions import db
from app.models import Notice, UserAddress
from app.models.people import User
from app.queries.people import Reach
from app.services.notice_acts import try_again
from app.services.notice_choices import choose
from app.services.notice_links import Standing, link_of
from tests.letters import due_of, id_of
from tests.make import make_user
from tests.notices import BOB, add_address, kept, later, letters, ruled, state_of, text_of, told
from tests.servers.relay import Relay
from tests.services.test_notice_sending import app, rows, went

__all__ = ["app"]


def readdressed(app: Flask, name: str, address: str) -> None:
    with app.app_context():
        db.session.query(User).filter_by(username=name).update({"email": address})
        db.session.commit()


def test_many_that_cannot_be_written_are_not_the_relays_doing(app: Flask, relay: Relay) -> None:
    for number in range(6):
        make_user(app, f"u{number}", "Recipient")
        add_address(app, f"u{number}", f"u{number}.x@example.com")
        readdressed(app, f"u{number}", f"no address {number}@example.com")
        kept(app, f"u{number}.x@example.com")
    for name in ("yves", "zoe"):
        make_user(app, name, "Recipient")
        kept(app, f"{name}@example.com")
    said = told(app)
    assert went(relay) == ["yves@example.com", "zoe@example.com"]
    assert (Counter(row.state for row in rows(app).values()), "takes no letters" in said[-1]) == ({"waiting": 6, "sent": 2}, False)


def test_one_that_goes_to_a_new_address_says_so_and_its_links_count(app: Flask, relay: Relay) -> None:
    add_address(app, "bob", "shop@example.com")
    relay.refuse.add(BOB)
    kept(app, "shop@example.com")
    told(app)
    readdressed(app, "bob", "robert@example.com")
    with app.app_context():
        try_again(Reach(everybody=True), db.session.query(Notice).one().id, actor=command_line())
    told(app)
    assert (went(relay), letters(app)) == (["robert@example.com"], [("robert@example.com", "sent", 1)])
    found = re.findall(r"/notice\?link=(\S+)", text_of(relay.messages[-1]))
    with app.app_context():
        assert {link.standing for text in found if (link := link_of(text))} == {Standing.GOOD}


def test_nobody_is_told_of_mail_to_an_address_that_they_lost(app: Flask, relay: Relay) -> None:
    """While the letter waits for its day, or for the relay."""
    add_address(app, "bob", "sales@example.com")
    relay.later.add(BOB)
    kept(app, "sales@example.com", subject="for who sells")
    kept(app, BOB, subject="for bob")
    told(app)
    with app.app_context():
        db.session.query(UserAddress).delete()
        db.session.commit()
    relay.later.clear()
    later(app, minutes=5)
    told(app)
    assert ("for bob" in text_of(relay.messages[-1]), "for who sells" in text_of(relay.messages[-1])) == (True, False)


def test_a_domain_that_wants_none_takes_no_mail_of_another_along(app: Flask, relay: Relay) -> None:
    app.config["NOTICE_TIMES"] = (("Recipient", "daily at 07:00"),)
    add_address(app, "bob", "a@aaa.example")
    kept(app, "a@aaa.example", subject="of the first")
    mail_id = kept(app, BOB, subject="of the second")
    told(app)
    ruled(app, "aaa.example", times="never")
    later(app, days=1)
    told(app)
    text = text_of(relay.messages[-1]) if relay.messages else ""
    assert ("of the first" in text, "of the second" in text, state_of(app, mail_id)) == (False, True, "sent")


def test_an_account_that_took_the_address_and_wants_none_gets_none(app: Flask, relay: Relay) -> None:
    ruled(app, "example.com", everybody=True, times="daily at 07:00")
    for name in ("eve", "fay"):
        kept(app, f"{name}@example.com")
    told(app)
    for name in ("eve", "fay"):
        make_user(app, name, "Recipient")
    number = id_of(app, "eve")
    with app.app_context():
        choose(number, "never", by="eve", actor=command_line())
    later(app, days=1)
    told(app)
    assert went(relay) == ["fay@example.com"]


def test_who_takes_a_choice_back_waits_for_the_hour_of_the_domain_it_came_to(app: Flask, relay: Relay) -> None:
    app.config["NOTICE_TIMES"] = ()
    add_address(app, "bob", "a@aaa.example")
    ruled(app, "aaa.example", times="daily at 07:00")
    kept(app, "a@aaa.example")
    told(app)
    number = id_of(app, "bob")
    before = due_of(app, f"user:{number}")
    with app.app_context():
        for times in ("hourly", ""):
            choose(number, times, by="bob", actor=command_line())
    assert due_of(app, f"user:{number}") == before is not None
