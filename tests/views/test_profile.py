"""One's own account: name, password."""

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent, Verb
from tests.make import PASSWORD, login
from tests.views.people import can_log_in, send


def test_people_change_their_own_name_and_password_and_have_to_know_the_old_one(app: Flask) -> None:
    carol = login(app, "carol", role="Recipient")
    new = "Another-Horse-77"
    for wrong in (
        {"old": "wrong", "new": new, "again": new},
        {"old": PASSWORD, "new": new, "again": "other"},
        {"old": PASSWORD, "new": "short", "again": "short"},
        {"old": PASSWORD, "new": "a" * 20, "again": "a" * 20},
    ):
        send(carol, "/profile/password", **wrong)
        assert can_log_in(app, "carol", PASSWORD)
    assert send(carol, "/profile/password", old=PASSWORD, new=new, again=new) == 302
    assert can_log_in(app, "carol", new)
    assert not can_log_in(app, "carol", PASSWORD)
    assert send(carol, "/profile/name", first_name="Carol <b>", last_name="") in (302, 200)


def test_a_name_that_stays_as_it_was_is_no_change(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    for _again in range(2):
        assert send(bob, "/profile/name", first_name="Robert", last_name="Tables") == 302
    with app.app_context():
        told = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == Verb.ACCOUNT_CHANGED)).all()
        assert [event.after for event in told] == ['{"first_name": "Robert", "last_name": "Tables"}']
