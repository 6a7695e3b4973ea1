"""What is done with mails, by people who try for more than is theirs: nothing is done, and nothing is learned from how it is refused."""

import html
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.actor import command_line
from app.extensions import db
from app.models import AuditEvent, Release, Verb
from app.services import people
from tests.apps import close
from tests.bulk import ordered
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.releases import BOB, CAROL, asked, releasing_app, states, stored
from tests.servers.relay import Relay
from tests.views.test_releases import release


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    """Where what is asked for waits until somebody does it."""
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    yield app
    close(app)


def act(client: FlaskClient, path: str, **fields: Any) -> Any:
    return client.post(path, data={"csrf_token": token(client), **fields})


def said(client: FlaskClient, mail_id: int) -> str:
    return html.unescape(client.get(f"/mails/show/{mail_id}").get_data(as_text=True))


def test_how_a_release_is_refused_does_not_tell_who_else_got_the_mail(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    bob = login(app, "bob", "Recipient")
    for guess in ("CAROL@EXAMPLE.COM", "DORA@EXAMPLE.COM"):
        release(bob, mail_id, guess)
        assert f"not yours to release to {guess}." in said(bob, mail_id)


def test_an_address_that_leads_on_is_none_in_the_domain_behind_it(app: Flask) -> None:
    mail_id = stored(app, BOB)
    admin = login(app, "root")
    for target in ("eve%evil.example@example.com", "evil.example!eve@example.com", '"eve@evil.example"@example.com'):
        release(admin, mail_id, target)
        assert "in none of the domains that the mail was for" in said(admin, mail_id)
    assert states(app, mail_id) == []
    app.config["RELEASE_TO_ANYWHERE"] = True
    release(admin, mail_id, "eve%evil.example@example.com")
    assert [address for address, _state in states(app, mail_id)] == ["eve%evil.example@example.com"]


@pytest.mark.parametrize("door", ["release-mine", "delete"])
def test_a_list_asks_for_a_reason_too(app: Flask, door: str) -> None:
    app.config["AUDIT_REASON"] = True
    mail_id = stored(app, BOB)
    admin, bob = login(app, "root"), login(app, "bob", "Recipient")
    fields = {"extent": "copy"}
    assert act(admin, f"/mails/{mail_id}/{door}", **fields).location == f"/mails/{mail_id}/reason"
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.target_kind == "mail")) == 0
    act(admin, f"/mails/{mail_id}/reason", reason="ticket 4711")
    assert act(admin, f"/mails/{mail_id}/{door}", **fields).location.endswith(f"#m{mail_id}")
    with app.app_context():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.target_kind == "mail").order_by(AuditEvent.id)).all()
        assert [event.reason for event in events][:2] == ["ticket 4711"] * 2
        assert events[2].verb in (Verb.MAIL_RELEASED, Verb.COPY_DELETED)
    own = stored(app, BOB)
    assert act(bob, f"/mails/{own}/{door}", **fields).location.endswith(f"#m{own}"), "their own mail is nobody else's"


def test_what_can_be_undone_is_though_it_is_too_late_for_some(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    admin = login(app, "root")
    first, second = asked(app, mail_id, BOB, CAROL)
    with app.app_context():
        db.session.query(Release).filter_by(id=first).update({"state": "sent"})
        db.session.commit()
    act(admin, f"/mails/{mail_id}/undo", release=[str(first), str(second)])
    assert states(app, mail_id) == [(BOB, "sent"), (CAROL, "cancelled")]
    assert "It is too late" in said(admin, mail_id)


def test_who_comes_after_an_account_that_was_deleted_has_nothing_of_it(app: Flask) -> None:
    app.config["RELEASE_ROLES"] = ("Admin",)
    mail_id = stored(app, BOB, subject="the merger")
    bob = login(app, "bob", "Recipient")
    act(bob, f"/requests/ask/{mail_id}", comment="for the merger")
    run_id = ordered(app, "bob", ("Recipient",), act="release")
    with app.app_context():
        people.delete_user(people.user_named("bob"), actor=command_line())
    eve = login(app, "eve", "Recipient")
    assert "the merger" not in eve.get("/requests/own").get_data(as_text=True)
    assert eve.get(f"/bulk/{run_id}").status_code == 404
    admin = login(app, "root")
    assert "the merger" in admin.get("/requests/").get_data(as_text=True), "it is still there to decide"
    assert admin.get(f"/bulk/{run_id}").status_code == 200


HUGE = "9" * 40
DIRT = ("\0", HUGE, "²", "'\"><script>", "x" * 5000)
FIELDS = (
    *("to", "node", "release", "rowid", "id", "ids", "before", "typed", "reason", "search", "comment", "words", "mode", "also", "mk_back"),
    *("name", "user", "allow", "api_url", "api_ca", "api_pin", "api_allow", "api_user", "api_password"),
    *("controller_url", "scan_url", "controller_password"),
)
DOORS = (
    *(f"/mails/{HUGE}/{door}" for door in ("delete", "learn/spam", "rescan", "release-mine")),
    *(f"/mails/{{mail}}/{door}" for door in (f"undo/{HUGE}", "undo", "rescan", "release", "learn/spam")),
    *(f"/requests/ask/{HUGE}", "/requests/decide", f"/bulk/{HUGE}/cancel", f"/bulk/{HUGE}/undo"),
    *("/bulk/confirm/release", "/bulk/begin/delete_mail", f"/nodes/{HUGE}/remove", "/nodes/new", "/nodes/1"),
)


def test_garbage_is_refused_and_never_an_error_of_ours(any_app: Flask) -> None:
    mail_id = stored(any_app, BOB)
    admin = login(any_app, "root")
    form = {"csrf_token": token(admin), "act": "deny", "token": "a" * 32}
    for door in DOORS:
        for dirt in DIRT:
            answer = admin.post(door.format(mail=mail_id), data=dict.fromkeys(FIELDS, dirt) | form)
            assert answer.status_code < 500, (door, dirt)
            assert "<script>" not in answer.get_data(as_text=True), (door, dirt)
