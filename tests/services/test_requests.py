"""Requests: who may ask, who decides, and that each is decided once."""

import json
import pathlib
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.errors import BadRequest, Conflict, MailkeepError, NotAllowed, NotFound
from app.extensions import db
from app.models import AuditEvent, Decision, Mail, MailRequest
from app.queries.requests import Asking, Deciding, open_count, own_requests, queue_of
from app.services import requests
from app.services.audit import verify
from app.services.release import Unconfirmed
from app.services.request_letters import tell
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import make_user
from tests.releases import ADMIN, BOB, CAROL, asked, releasing_app, sent, states, stored
from tests.servers.process import free_port, wait_for
from tests.servers.relay import Relay

EVERYTHING = Deciding(everything=True, viruses=True)
DOMAIN = Deciding(domains=("example.com",), most_score=20.0)
HERE, ELSEWHERE = Asking(5, (BOB,)), Asking(6, ("dora@example.org",))
WHO = Actor("bob", 5, "192.0.2.5")


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url)
    yield app
    close(app)


def wanted(app: Flask, mail_id: int, asking: Asking = HERE, comment: str = "") -> int:
    """The id of the request."""
    with app.app_context():
        requests.ask_for(asking, mail_id, comment, actor=WHO)
        return rows(app, mail_id)[-1].id


def rows(app: Flask, mail_id: int) -> list[MailRequest]:
    with app.app_context():
        found = list(db.session.scalars(select(MailRequest).where(MailRequest.mail_id == mail_id).order_by(MailRequest.id)))
        db.session.expunge_all()
        return found


def verbs(app: Flask) -> list[str]:
    with app.app_context():
        assert verify() is None
        return list(db.session.scalars(select(AuditEvent.verb).order_by(AuditEvent.id)))


def test_asked_approved_and_sent_to_who_asked(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, BOB, CAROL)
    request_id = wanted(app, mail_id, comment="  my\r\nticket\0 ")
    assert (rows(app, mail_id)[0].comment, states(app, mail_id)) == ("my ticket\ufffd", [])
    with app.app_context():
        assert requests.approve(EVERYTHING, request_id, "it is fine", actor=ADMIN) is Decision.APPROVED
    sent(app)
    assert ([each.rcpt_tos for each in relay.envelopes], states(app, mail_id)) == ([[BOB]], [(BOB, "sent")])
    row = rows(app, mail_id)[0]
    assert (row.state, row.decided_by, row.words) == ("approved", "admin", "it is fine")
    assert [verb for verb in verbs(app) if verb.startswith("mail.")] == [
        "mail.release.wanted",
        "mail.released",
        "mail.release.approved",
        "mail.released",
    ]


def test_asking_twice_is_one_request_and_a_no_stays_one(app: Flask) -> None:
    mail_id = stored(app)
    request_id = wanted(app, mail_id)
    with app.app_context():
        assert requests.ask_for(HERE, mail_id, actor=WHO) == 0
        requests.deny(EVERYTHING, request_id, "phishing", actor=ADMIN)
        with pytest.raises(Conflict, match="admin has denied"):
            requests.ask_for(HERE, mail_id, actor=WHO)
        for again in (requests.approve, requests.deny):
            with pytest.raises(Conflict, match="admin has decided"):
                again(EVERYTHING, request_id, actor=WHO)
    assert (len(rows(app, mail_id)), rows(app, mail_id)[0].words, states(app, mail_id)) == (1, "phishing", [])


def test_who_may_not_ask_or_decide_does_not(app: Flask) -> None:
    here, elsewhere = stored(app), stored(app, "dora@example.org")
    heavy, virus = stored(app, score=25.0), stored(app, virus="Eicar")
    ids = {mail_id: wanted(app, mail_id, ELSEWHERE if mail_id == elsewhere else HERE) for mail_id in (here, elsewhere, heavy, virus)}
    with app.app_context():
        with pytest.raises(NotAllowed):
            requests.ask_for(Asking(5), here, actor=WHO)
        for mail_id in (elsewhere, heavy, virus):
            for act in (requests.approve, requests.deny):
                with pytest.raises(NotFound):
                    act(DOMAIN, ids[mail_id], actor=ADMIN)
        for act in (requests.approve, requests.deny, requests.close):
            for number in (0, 10**9, 1 << 70):
                with pytest.raises(NotFound):
                    act(EVERYTHING, number, actor=ADMIN)
        with pytest.raises(NotFound):
            requests.close(EVERYTHING, ids[here], actor=ADMIN)
        with pytest.raises(BadRequest):
            requests.deny(EVERYTHING, ids[here], "x" * 501, actor=ADMIN)
        assert [each.row.mail_id for each in queue_of(DOMAIN, is_open=True, before=None, size=9).rows] == [here]
        assert (open_count(DOMAIN), open_count(EVERYTHING), open_count(Deciding())) == (1, 4, 0)
        assert queue_of(Deciding(), is_open=True, before=None, size=9).rows == []


def test_a_virus_needs_a_second_word(app: Flask) -> None:
    mail_id = stored(app, virus="Eicar")
    request_id = wanted(app, mail_id)
    with app.app_context():
        with pytest.raises(Unconfirmed):
            requests.approve(EVERYTHING, request_id, actor=ADMIN)
        assert rows(app, mail_id)[0].is_open, "nothing is decided half"
        requests.approve(EVERYTHING, request_id, sure=True, actor=ADMIN)
    assert states(app, mail_id) == [(BOB, "waiting")]


def test_what_became_of_the_mail_meanwhile_is_told(app: Flask, relay: Relay) -> None:
    went, lost, gone = stored(app), stored(app), stored(app)
    ids = [wanted(app, mail_id) for mail_id in (went, lost, gone)]
    asked(app, went)
    sent(app)
    with app.app_context():
        db.session.get(Mail, lost).copy_state = "deleted"
        db.session.delete(db.session.get(Mail, gone))
        db.session.commit()
        page = queue_of(EVERYTHING, is_open=True, before=None, size=9)
        assert [each.fate for each in page.rows] == ["gone", "no_copy", "released"]
        assert requests.approve(EVERYTHING, ids[0], actor=ADMIN) is Decision.OVERTAKEN
        for request_id in ids[1:]:
            with pytest.raises(NotFound):
                requests.approve(EVERYTHING, request_id, actor=ADMIN)
            requests.deny(EVERYTHING, request_id, "too late", actor=ADMIN)
        with pytest.raises(Conflict, match="went to you"):
            requests.ask_for(HERE, went, actor=WHO)
        with pytest.raises(NotFound):
            requests.ask_for(HERE, lost, actor=WHO)
    sent(app)
    assert len(relay.envelopes) == 1


def test_what_was_approved_and_did_not_arrive_is_asked_for_once_more(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    request_id = wanted(app, mail_id)
    relay.refuse.add(BOB)
    with app.app_context():
        requests.approve(EVERYTHING, request_id, actor=ADMIN)
        with pytest.raises(Conflict, match="went to you"):
            requests.ask_for(HERE, mail_id, actor=WHO)
    sent(app)
    assert (wanted(app, mail_id), rows(app, mail_id)[0].state, rows(app, mail_id)[0].decided_by) == (request_id, "open", "")


def test_nobody_floods_the_queue_and_pages_go_by_id(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST_OPEN", 3)
    ids = [wanted(app, stored(app)) for _ in range(3)]
    with app.app_context():
        with pytest.raises(Conflict, match="3 open requests"):
            requests.ask_for(HERE, stored(app), actor=WHO)
        assert open_count(EVERYTHING) == 3
        first = queue_of(EVERYTHING, is_open=True, before=None, size=2)
        assert ([each.row.id for each in first.rows], first.older) == (ids[:0:-1], ids[1])
        second = queue_of(EVERYTHING, is_open=True, before=first.older, size=2)
        assert ([each.row.id for each in second.rows], second.older) == ([ids[0]], None)
        requests.deny(EVERYTHING, ids[0], actor=ADMIN)
        requests.ask_for(HERE, stored(app), actor=WHO)
        assert [each.row.id for each in queue_of(EVERYTHING, is_open=False, before=None, size=9).rows] == [ids[0]]
        assert len(own_requests(5, before=None, size=9).rows) == 4
        assert own_requests(6, before=None, size=9).rows == []


def test_what_was_wrong_is_told_once_read_and_closed(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    with app.app_context():
        assert requests.tell_wrong(HERE, mail_id, [BOB], "a customer", actor=WHO)
        assert not requests.tell_wrong(HERE, mail_id, [BOB], actor=WHO)
        with pytest.raises(NotAllowed):
            requests.tell_wrong(HERE, mail_id, [CAROL], actor=WHO)
        request_id = rows(app, mail_id)[0].id
        with pytest.raises(NotFound):
            requests.approve(EVERYTHING, request_id, actor=ADMIN)
        requests.close(DOMAIN, request_id, "rule mended", actor=ADMIN)
    assert (rows(app, mail_id)[0].state, rows(app, mail_id)[0].words) == ("closed", "rule mended")
    assert verbs(app)[-2:] == ["mail.reported", "mail.report.closed"]


def test_who_asked_gets_a_letter_and_nobody_else(app: Flask, relay: Relay) -> None:
    make_user(app, "bob", "Recipient")
    make_user(app, "carol", "Recipient")
    with app.app_context():
        from app.models.people import User

        numbers = {user.username: user.id for user in db.session.scalars(select(User))}
        mail_id = stored(app, BOB, subject="the bill")
        request_id = wanted(app, mail_id, Asking(numbers["bob"], (BOB,)))
        assert not tell(request_id), "nothing is decided"
        requests.deny(EVERYTHING, request_id, "phishing\nBcc: x", actor=ADMIN)
        app.config["SMTP_URL"], url = f"smtp://127.0.0.1:{free_port()}", app.config["SMTP_URL"]
        assert not tell(request_id)
        app.config["SMTP_URL"] = url
        assert rows(app, mail_id)[0].state == "denied", "a relay that is away loses nothing"
        assert tell(request_id)
        (letter,) = relay.messages
        assert (letter["To"], "the bill" in letter.get_content(), "phishing Bcc: x" in letter.get_content()) == (BOB, True, True)
        # The address is somebody else's by now, or the account is switched off.
        db.session.get(User, numbers["bob"]).email = "robert@example.com"
        db.session.commit()
        assert not tell(request_id)
        db.session.get(User, numbers["bob"]).email = BOB
        db.session.get(User, numbers["bob"]).active = False
        db.session.commit()
        assert not tell(request_id)
    assert len(relay.envelopes) == 1


def at_once(app: Flask, *works: object) -> tuple[list[object], list[MailkeepError]]:
    """What came of each, on a thread of its own."""
    done: list[object] = []
    refused: list[MailkeepError] = []

    def run(work: object) -> None:
        with app.app_context():
            try:
                done.append(work())  # type: ignore[operator]
            except MailkeepError as error:
                refused.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, refused


def test_of_many_at_once_one_asks_and_one_decides(database: str, tmp_path: pathlib.Path, relay: Relay) -> None:
    app = releasing_app(database, tmp_path, relay.url)
    mail_id = stored(app)
    done, refused = at_once(app, *[lambda: requests.ask_for(HERE, mail_id, actor=WHO)] * 6)
    assert (sorted(done), refused, len(rows(app, mail_id))) == ([0] * 5 + [1], [], 1)
    request_id = rows(app, mail_id)[0].id
    actors = [Actor(f"admin{number}", number, "") for number in range(6)]
    acts = [
        (lambda who=who, act=act: act(EVERYTHING, request_id, actor=who))
        for who, act in zip(actors, [requests.approve, requests.deny] * 3, strict=True)
    ]
    done, refused = at_once(app, *acts)
    row = rows(app, mail_id)[0]
    assert (len(done), {str(error) for error in refused}) == (1, {f"{row.decided_by} has decided this meanwhile."})
    goes = [(BOB, "sent")] if row.state == "approved" else []
    wait_for(lambda: states(app, mail_id) == goes)
    assert len(relay.envelopes) == len(goes)
    with app.app_context():
        told = [
            json.loads(after)["request"]
            for after in db.session.scalars(
                select(AuditEvent.after).where(AuditEvent.verb.like("mail.release.%d")).where(AuditEvent.verb != "mail.release.wanted")
            )
        ]
    assert told == [request_id]
    close(app)
