"""What somebody's own list allows and Rspamd held back is released to them by itself, once, and nothing else is."""

import itertools
import json
import pathlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.ids import first_id_at
from app.jobs.personal_releases import PersonalReleaseTimer
from app.mime.release import MARK
from app.models import AuditEvent, MapEntry
from app.queries.releases import ANYTHING
from app.services import personal_release, release
from app.services.personal import book_of
from app.services.personal_release import is_wanted, release_allowed
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import list_value
from tests.releases import ADMIN, BOB, CAROL, asked, releasing_app, sent, states, stored
from tests.servers.relay import Relay

SPF = {"name": "R_SPF_ALLOW", "score": -0.2}
ALLOWED = "mail_from_rcpt_to_whitelist"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url)
    listed(app, ALLOWED, "sender@example.net|bob@example.com")
    yield app
    close(app)


def listed(app: Flask, name: str, *pairs: str) -> None:
    list_value(app, name, *pairs)
    with app.app_context():
        book_of(db.engine).forget()


def held(app: Flask, *recipients: str, **fields: Any) -> int:
    return stored(app, *recipients, **{"symbols": (SPF,)} | fields)


def looked(app: Flask, after: int = 0) -> int:
    with app.app_context():
        return release_allowed(after).done


def test_it_goes_to_whose_list_allows_it_and_to_nobody_else(app: Flask, relay: Relay) -> None:
    mail_id = held(app, CAROL, BOB)
    held(app, CAROL)
    assert (looked(app), looked(app)) == (1, 0)
    sent(app)
    assert (states(app, mail_id), [each.rcpt_tos for each in relay.envelopes]) == ([(BOB, "sent")], [[BOB]])
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == "mail.released")).first()
        assert event is not None
        told = json.loads(event.after)
        assert (event.actor, told["by"], told["map"]) == ("system", "personal list", ALLOWED)
        assert told["entry"] == "sender@example.net|bob@example.com"


def test_what_must_not_go_by_itself_does_not(app: Flask) -> None:
    app.config["RELEASE_MAX_SCORE"] = "20"
    kept = [
        held(app, virus="Eicar"),
        held(app, score=21.0),
        held(app, action="add header"),
        held(app, symbols=()),
        held(app, mail_from="other@example.net"),
        held(app, headers=f"{MARK}: id=1; sha256=; mac=\r\nSubject: hi"),
    ]
    undone = held(app)
    (release_id,) = asked(app, undone)
    with app.app_context():
        release.undo(ANYTHING, undone, release_id, actor=ADMIN)
    assert looked(app) == 0
    assert [states(app, mail_id) for mail_id in kept] == [[]] * len(kept)
    assert states(app, undone) == [(BOB, "cancelled")]
    went = held(app, score=20.0)
    assert (looked(app), states(app, went)) == (1, [(BOB, "waiting")])


def test_an_entry_that_is_gone_and_a_mail_that_is_old_count_no_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = held(app)
    with app.app_context():
        db.session.query(MapEntry).update({"enabled": False})
        db.session.commit()
    assert looked(app) == 0
    with app.app_context():
        db.session.query(MapEntry).update({"enabled": True})
        db.session.commit()
    monkeypatch.setattr(personal_release, "NOT_OLDER_THAN", timedelta(0))
    assert looked(app) == 0
    monkeypatch.undo()
    app.config["NODE_NAME"] = "mx2"
    assert (looked(app), states(app, mail_id)) == (1, [(BOB, "waiting")]), "the store is the same here"


def test_the_settings_switch_it_off(app: Flask) -> None:
    with app.app_context():
        assert is_wanted()
        for name, value in (("PERSONAL_RELEASE", False), ("RELEASE_ROLES", ("Admin",)), ("SMTP_URL", "")):
            kept, app.config[name] = app.config[name], value
            assert not is_wanted()
            app.config[name] = kept


def test_the_timer_goes_on_from_where_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_release, "AT_ONCE", 2)
    mails = [held(app) for _ in range(3)]
    with app.app_context():
        timer = PersonalReleaseTimer(app)
        assert (timer.look(), timer.look()) == (0.0, timer.pause)
    assert [states(app, mail_id) for mail_id in mails] == [[(BOB, "waiting")]] * 3


def test_what_was_delivered_is_looked_at_once_and_a_mail_that_was_late_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_release, "PIECE", 2)
    hours = itertools.count(-3)
    monkeypatch.setattr("tests.make._ids.next", lambda: first_id_at(utcnow() + timedelta(hours=next(hours))))
    old = [held(app, action="add header") for _ in range(3)]
    with app.app_context():
        timer = PersonalReleaseTimer(app)
        assert (timer.look(), timer._after, timer.look()) == (0.0, old[1], timer.pause)
        assert timer._after == old[2]
    monkeypatch.setattr("tests.make._ids.next", lambda: first_id_at(utcnow() - timedelta(seconds=30)))
    late = held(app)
    with app.app_context():
        timer.look()
    assert states(app, late) == [(BOB, "waiting")]


def test_of_many_processes_one_releases(database: str, tmp_path: pathlib.Path, relay: Relay) -> None:
    app = releasing_app(database, tmp_path, relay.url)
    listed(app, ALLOWED, "sender@example.net|bob@example.com")
    mails = [held(app, BOB, CAROL) for _ in range(3)]
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(looked(app))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent(app)
    assert (sum(done), len(done)) == (3, 6)
    assert [states(app, mail_id) for mail_id in mails] == [[(BOB, "sent")]] * 3
    assert len(relay.envelopes) == 3
    close(app)
