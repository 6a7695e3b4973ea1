"""Releases: one mail to one address, once; what fails is told, kept and tried again where that makes sense."""

import contextlib
import json
import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed, NotFound, Unavailable
from app.extensions import db
from app.jobs import releases
from app.mime.release import is_released
from app.models import AuditEvent, Mail, Release
from app.queries.releases import ANYTHING, Releasing
from app.queries.scope import Scope
from app.services import release, release_sending
from app.services.audit import verify
from app.services.release_sending import AT_ONCE
from app.services.sealing import key_for
from app.smtp import Round
from app.storage import store_for
from tests.apps import close
from tests.databases import SqliteCopies
from tests.releases import ADMIN, BOB, CAROL, asked, releasing_app, row_of, sent, state_of, states, stored
from tests.servers.process import free_port, wait_for
from tests.servers.relay import Relay

RAW = b"Received: from mx\r\nFrom: eve@example.net\r\nTo: all@example.com\r\nSubject: hello\r\n\r\n.\r\n.dots\r\n\xff\r\n"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url)
    yield app
    close(app)


def steps(app: Flask) -> list[str]:
    with app.app_context():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == "mail.released").order_by(AuditEvent.id)).all()
        assert verify() is None
        return [json.loads(event.after)["step"] for event in events]


def as_time_passes(app: Flask, **more: float) -> None:
    """What waits for its time, or was claimed, has done so for longer."""
    with app.app_context():
        back = timedelta(**more)
        for row in db.session.scalars(select(Release)):
            row.next_try_at = row.next_try_at and row.next_try_at - back
            row.claimed_at = row.claimed_at and row.claimed_at - back
        db.session.commit()


def test_one_recipient_gets_it_as_it_came_and_nobody_else(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, "Bob@Example.com", CAROL, raw=RAW, mail_from="Eve+Tag@Example.net")
    asked(app, mail_id)
    assert (states(app, mail_id), state_of(app, mail_id)) == ([(BOB, "waiting")], "releasing")
    assert sent(app) == 1
    envelope = relay.envelopes[0]
    content = bytes(envelope.content or b"")
    assert (envelope.mail_from, envelope.rcpt_tos, len(relay.envelopes)) == ("Eve+Tag@Example.net", ["Bob@Example.com"], 1)
    assert content.endswith(RAW)
    assert content.startswith(b"X-Mailkeep-Release: ")
    with app.app_context():
        mark = is_released(content, BOB, key_for("release"))
        assert mark is not None
        assert (mark.mail_id, mark.digest) == (mail_id, db.session.get(Mail, mail_id).copy_digest)
    assert (states(app, mail_id), state_of(app, mail_id)) == ([(BOB, "sent")], "released")
    assert (sent(app), steps(app)) == (0, ["asked", "sent"])


def test_a_bounce_keeps_its_empty_sender(app: Flask, relay: Relay) -> None:
    asked(app, stored(app, mail_from=""))
    sent(app)
    assert relay.envelopes[0].mail_from == "<>"


def test_what_is_under_way_or_went_is_not_asked_for_again_unawares(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    asked(app, mail_id)
    for sure in (False, True):
        with pytest.raises(Conflict, match="on its way already"):
            asked(app, mail_id, sure=sure)
    sent(app)
    with pytest.raises(release.Unconfirmed) as question:
        asked(app, mail_id)
    assert (question.value.again, question.value.virus) == ([BOB], False)
    asked(app, mail_id, sure=True)
    sent(app)
    assert (len(relay.envelopes), states(app, mail_id)) == (2, [(BOB, "sent")] * 2)


def test_it_can_be_undone_while_it_waits(app: Flask, relay: Relay) -> None:
    app.config["UNDO_SECONDS"] = 60
    mail_id = stored(app)
    (release_id,) = asked(app, mail_id)
    assert sent(app) == 0
    with app.app_context():
        with pytest.raises(NotFound):
            release.undo(Releasing(Scope((CAROL,))), mail_id, release_id, actor=ADMIN)
        release.undo(ANYTHING, mail_id, release_id, actor=ADMIN)
    as_time_passes(app, hours=1)
    assert (sent(app), relay.envelopes, state_of(app, mail_id)) == (0, [], "none")
    app.config["UNDO_SECONDS"] = 0
    asked(app, mail_id)
    sent(app)
    with app.app_context(), pytest.raises(Conflict, match="too late"):
        release.undo(ANYTHING, mail_id, release_id + 1, actor=ADMIN)
    assert steps(app) == ["asked", "undone", "asked", "sent"]


def test_what_fails_for_now_is_tried_again_and_not_for_ever(app: Flask, relay: Relay) -> None:
    app.config["RELEASE_TRIES"] = 3
    mail_id = stored(app)
    (release_id,) = asked(app, mail_id)
    relay.later.add(BOB)
    for attempt in (1, 2):
        assert sent(app) == 1
        row = row_of(app, release_id)
        assert (row.is_tried_again, row.reply, row.attempts) == (True, "450 4.2.1 come back later", attempt)
        assert (sent(app), state_of(app, mail_id)) == (0, "releasing"), "not at once"
        with pytest.raises(Conflict, match="on its way already"):
            asked(app, mail_id, sure=True)
        as_time_passes(app, hours=1)
    sent(app)
    assert (row_of(app, release_id).is_tried_again, state_of(app, mail_id)) == (False, "failed")
    relay.later.clear()
    asked(app, mail_id)
    sent(app)
    assert (states(app, mail_id), state_of(app, mail_id)) == ([(BOB, "failed"), (BOB, "sent")], "released")


def test_a_no_is_told_and_kept(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, BOB, CAROL)
    relay.refuse.add(BOB)
    first, second = asked(app, mail_id, BOB, CAROL)
    assert sent(app) == 2
    assert (row_of(app, first).reply, row_of(app, first).next_try_at) == ("550 5.1.1 no such user here", None)
    assert (row_of(app, second).state, state_of(app, mail_id)) == ("sent", "released"), "one that fails keeps nobody else from it"


def test_a_relay_that_is_away(app: Flask) -> None:
    mail_id = stored(app)
    (release_id,) = asked(app, mail_id)
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    sent(app)
    assert row_of(app, release_id).reply == "The relay cannot be reached: Connection refused"
    assert row_of(app, release_id).is_tried_again


def test_a_copy_that_is_gone_or_damaged(app: Flask, relay: Relay) -> None:
    gone, damaged = stored(app, raw=b"Subject: 1\r\n\r\n"), stored(app, raw=b"Subject: 2\r\n\r\n")
    (first,), (second,) = asked(app, gone), asked(app, damaged)
    with app.app_context():
        store = store_for(app.config["STORE_URL"])
        store.delete(db.session.get(Mail, gone).copy_digest)
        store._path(db.session.get(Mail, damaged).copy_digest).write_bytes(b"rubbish")
    sent(app)
    assert (row_of(app, first).reply, row_of(app, first).is_tried_again) == ("The stored copy is gone.", False)
    assert (row_of(app, second).reply, row_of(app, second).is_tried_again) == ("The stored copy is damaged.", True)
    assert relay.envelopes == []
    with pytest.raises(NotFound, match="gone"):
        asked(app, gone)
    app.config["NODE_NAME"] = "mx2"
    with pytest.raises(Unavailable, match="mx1"):
        asked(app, gone)


def test_another_node_sends_only_what_it_was_asked_for(app: Flask, relay: Relay) -> None:
    asked(app, stored(app))
    app.config["NODE_NAME"] = "mx2"
    assert (sent(app), relay.envelopes) == (0, [])


def test_a_mail_handed_over_without_an_answer_is_unknown_and_stays_so(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    asked(app, mail_id)
    relay.answers = [""]
    sent(app)
    as_time_passes(app, days=1)
    assert (sent(app), states(app, mail_id), state_of(app, mail_id)) == (0, [(BOB, "unknown")], "releasing")
    with pytest.raises(release.Unconfirmed):
        asked(app, mail_id)
    assert steps(app) == ["asked", "unknown"]


def test_what_nobody_finished_is_unknown_and_what_comes_late_counts(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    (release_id,) = asked(app, mail_id)
    with app.app_context():
        claimed = release_sending._claim(release_id)
        assert release_sending._claim(release_id) is None
    as_time_passes(app, minutes=9)
    sent(app)
    assert states(app, mail_id) == [(BOB, "sending")]
    as_time_passes(app, minutes=2)
    assert (sent(app), states(app, mail_id), relay.envelopes) == (0, [(BOB, "unknown")], [])
    with app.app_context(), contextlib.closing(Round(release_sending.release_relay(app.config))) as through:
        release_sending._record(claimed, release_sending._send(claimed, through))
    assert (states(app, mail_id), state_of(app, mail_id)) == ([(BOB, "sent")], "released")


def test_what_one_person_asks_for_does_not_wait_behind_what_another_chose_by_the_thousand(app: Flask, relay: Relay) -> None:
    many = [stored(app) for _number in range(3)]
    for mail_id in many:
        asked(app, mail_id)
    mine = stored(app, CAROL)
    ids = asked(app, mine, CAROL)
    with app.app_context():
        release_sending.send_later(ids)
    wait_for(lambda: states(app, mine) == [(CAROL, "sent")])
    assert [states(app, each) for each in many] == [[(BOB, "waiting")]] * 3
    assert [each.rcpt_tos for each in relay.envelopes] == [[CAROL]]


def test_many_go_through_one_session_and_nothing_waits_between_full_rounds(app: Flask, relay: Relay) -> None:
    for _ in range(AT_ONCE + 1):
        asked(app, stored(app))
    before = len(relay.sessions)
    with app.app_context():
        assert releases.run() == 0.0
        assert (len(relay.envelopes), len(relay.sessions) - before) == (AT_ONCE, 1)
        assert releases.run() is None
    assert len(relay.envelopes) == AT_ONCE + 1


def test_somebody_elses_claim_is_not_recorded_over(app: Flask) -> None:
    mail_id = stored(app)
    (release_id,) = asked(app, mail_id)
    with app.app_context():
        claimed = release_sending._claim(release_id)
        db.session.execute(update(Release).values(claim="0" * 32))
        db.session.commit()
        release_sending._record(claimed, release_sending.Answer(release_sending.Kind.SENT, 250, "ok"))
    assert states(app, mail_id) == [(BOB, "sending")]


def test_who_may_release_to_whom(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL, "dora@example.org")
    bob, domain = Releasing(Scope((BOB,))), Releasing(Scope(domains=("example.com",)))
    for releasing, target in ((bob, CAROL), (bob, "eve@example.net"), (domain, "dora@example.org"), (domain, "new@example.com")):
        with pytest.raises(NotAllowed):
            asked(app, mail_id, target, releasing=releasing)
    with pytest.raises(NotAllowed):
        asked(app, mail_id, BOB, CAROL, releasing=bob)
    with pytest.raises(NotAllowed, match="is in none of the domains"):
        asked(app, mail_id, "eve@example.net")
    assert states(app, mail_id) == []
    asked(app, mail_id, BOB, releasing=bob)
    asked(app, mail_id, "Postmaster@example.org")
    app.config["RELEASE_TO_ANYWHERE"] = True
    asked(app, mail_id, "eve@example.net")
    with pytest.raises(BadRequest):
        asked(app, mail_id, "eve@example.net>, <mallory@example.net")
    assert [address for address, _state in states(app, mail_id)] == [BOB, "postmaster@example.org", "eve@example.net"]


def test_a_virus_goes_only_when_it_is_meant(app: Flask) -> None:
    mail_id = stored(app, virus="Eicar")
    with pytest.raises(release.Unconfirmed) as question:
        asked(app, mail_id)
    assert question.value.virus
    asked(app, mail_id, sure=True)


def test_without_a_copy_a_relay_or_a_target_nothing_is_asked(app: Flask) -> None:
    mail_id = stored(app)
    for targets in ((), tuple(f"{n}@example.com" for n in range(501))):
        with app.app_context(), pytest.raises(BadRequest):
            release.ask(ANYTHING, mail_id, targets, actor=ADMIN)
    with pytest.raises(NotFound):
        asked(app, 7)
    app.config["SMTP_URL"] = ""
    with pytest.raises(Unavailable, match="RELEASE_URL"):
        asked(app, mail_id)


def test_the_time_of_a_release_is_looked_for_again(app: Flask, relay: Relay) -> None:
    """As the job does, in a process of its own."""
    app.config["UNDO_SECONDS"] = 60
    asked(app, stored(app))
    with app.app_context():
        assert releases.run() == 1.0
        db.session.execute(update(Release).values(next_try_at=stored_now()))
        db.session.commit()
        assert releases.run() is None
    assert len(relay.envelopes) == 1
