"""Letters on their way to the relay: each once, whatever it says, and none holds up another."""

import pathlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.clock import stored_now
from app.errors import Unavailable
from app.extensions import db
from app.models import Notice, NoticeStep
from app.services import notice_sending, notices
from app.services.job import Report
from tests.apps import close
from tests.make import make_node, make_user, post
from tests.notices import BOB, CAROL, kept, later, letters, ruled, state_of, telling_app, told
from tests.servers.process import free_port
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_template: pathlib.Path, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    path = tmp_path / "mailkeep.db"
    path.write_bytes(sqlite_template.read_bytes())
    app = telling_app(f"sqlite:///{path}", tmp_path, relay.url)
    for name in ("bob", "carol", "dora"):
        make_user(app, name, "Recipient")
    yield app
    close(app)


def rows(app: Flask) -> dict[str, Notice]:
    with app.app_context():
        found = {row.address: row for row in db.session.query(Notice)}
        db.session.expunge_all()
        return found


def went(relay: Relay) -> list[str]:
    return sorted(address for envelope in relay.envelopes for address in envelope.rcpt_tos)


def test_one_that_fails_holds_up_nobody(app: Flask, relay: Relay) -> None:
    """5xx is the end, 4xx a longer and longer wait, at last the end too; only who was told of it has been told."""
    relay.refuse.add(BOB)
    relay.later.add(CAROL)
    ids = [kept(app, address) for address in (BOB, CAROL, "dora@example.com")]
    told(app)
    assert went(relay) == ["dora@example.com"]
    assert letters(app) == [(BOB, "failed", 1), (CAROL, "waiting", 1), ("dora@example.com", "sent", 1)]
    assert [state_of(app, mail_id) for mail_id in ids] == ["waiting", "waiting", "sent"]
    assert "550 5.1.1 no such user" in rows(app)[BOB].answer
    told(app)
    assert rows(app)[CAROL].tries == 1
    later(app, minutes=5)
    told(app)
    later(app, minutes=5)
    told(app)
    assert (rows(app)[CAROL].tries, "450 4.2.1" in rows(app)[CAROL].answer) == (2, True)
    for _ in range(9):
        later(app, hours=9)
        told(app)
    assert (rows(app)[CAROL].state, rows(app)[CAROL].tries, rows(app)[CAROL].next_try_at) == ("failed", 8, None)


def test_one_that_waited_goes_when_the_relay_will_have_it(app: Flask, relay: Relay) -> None:
    relay.later.add(BOB)
    mail_id = kept(app)
    told(app)
    relay.later.clear()
    later(app, minutes=5)
    told(app)
    assert (went(relay), state_of(app, mail_id)) == ([BOB], "sent")


def test_what_the_relay_may_have_is_not_sent_again(app: Flask, relay: Relay) -> None:
    relay.answers.append("")
    kept(app)
    told(app)
    assert (letters(app), "hung up" in rows(app)[BOB].answer) == ([(BOB, "unknown", 1)], True)
    later(app, days=1)
    told(app)
    assert went(relay) == [BOB]


def test_while_the_relay_is_away_nothing_is_tried_and_nothing_lost(app: Flask, relay: Relay) -> None:
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    for address in (BOB, CAROL):
        kept(app, address)
    said = told(app)
    assert "2 letters made, 0 sent, 0 failed, 2 wait. The relay cannot be reached" in said[-1]
    assert [(row.state, row.tries) for row in rows(app).values()] == [("waiting", 0)] * 2
    with app.app_context():
        notices.run(report := Report())
    assert report.rests, "the next run waits, and longer each time"
    app.config["SMTP_URL"] = relay.url
    told(app)
    assert went(relay) == [BOB, CAROL]


@pytest.mark.parametrize(
    ("answer", "asked", "said"),
    [
        ("450 4.7.1 greylisted", 9, ""),
        ("452 4.5.3 too many", 9, ""),
        ("451 4.3.0 out of order", 5, "451 4.3.0"),
        ("452 4.3.1 the disk is full", 5, "452 4.3.1"),
        ("421 4.7.0 not now", 5, "421 4.7.0"),
    ],
)
def test_what_is_said_of_an_address_is_not_what_is_said_of_all(app: Flask, relay: Relay, answer: str, asked: int, said: str) -> None:
    """A relay that takes nothing now is not asked for each; where it puts off some addresses, those alone wait."""
    addresses = {f"u{number}@example.com" for number in range(9)}
    ruled(app, "example.com", everybody=True, times="at once")
    kept(app, *sorted(addresses))
    relay.later |= addresses
    relay.not_now = answer
    assert (f"The relay takes no letters now: {said}" in told(app)[-1]) == bool(said)
    assert sorted(row.tries for row in rows(app).values()) == [0] * (9 - asked) + [1] * asked


def test_a_relay_that_puts_off_everybody_is_not_asked_for_each(app: Flask, relay: Relay) -> None:
    addresses = {f"u{number}@example.com" for number in range(22)}
    ruled(app, "example.com", everybody=True, times="at once")
    kept(app, *sorted(addresses))
    relay.later |= addresses
    relay.not_now = "450 4.7.1 too much from you"
    assert "The relay takes no letters now: 450 4.7.1" in told(app)[-1]
    assert sorted(row.tries for row in rows(app).values()) == [0] * 2 + [1] * 20


def test_a_relay_that_hangs_up_on_each_does_not_cost_every_letter(app: Flask, relay: Relay) -> None:
    """Nobody knows of any of them whether it went."""
    ruled(app, "example.com", everybody=True, times="at once")
    kept(app, *(f"u{number}@example.com" for number in range(9)))
    relay.answers += [""] * 9
    assert "The relay takes no letters now" in told(app)[-1]
    assert Counter(row.state for row in rows(app).values()) == {"unknown": 5, "waiting": 4}


def test_a_relay_that_refuses_everybody_does_not_cost_every_letter(app: Flask, relay: Relay) -> None:
    """Nothing is wrong with these people: the job fails, and the admins are told."""
    addresses = {f"u{number}@example.com" for number in range(22)}
    ruled(app, "example.com", everybody=True, times="at once")
    kept(app, *sorted(addresses))
    relay.refuse |= addresses
    relay.refusal = "550 5.7.1 not from you"
    with pytest.raises(Unavailable, match="refuses all letters: 550"):
        told(app)
    assert Counter(row.state for row in rows(app).values()) == {"failed": 20, "waiting": 2}


def test_one_session_carries_many_and_is_opened_anew_where_the_relay_hung_up(
    app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import smtp

    opened: list[str] = []
    connected = smtp._connected
    monkeypatch.setattr(smtp, "_connected", lambda named: (opened.append(named.url), connected(named))[1])
    for address in (BOB, CAROL, "dora@example.com"):
        kept(app, address)
    told(app)
    assert (len(opened), len(relay.envelopes)) == (1, 3)
    relay.answers += ["250 OK", "", "250 OK"]
    for address in (BOB, CAROL, "dora@example.com"):
        kept(app, address)
    told(app)
    assert (len(opened), sorted(state for _to, state, _mails in letters(app)[3:])) == (3, ["sent", "sent", "unknown"])


def test_one_that_cannot_be_written_holds_up_nobody(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    write = notices.write

    def broken(notice: Notice, *more: Any) -> bytes:
        if notice.address == BOB:
            raise ZeroDivisionError("in a template")
        return write(notice, *more)

    monkeypatch.setattr(notices, "write", broken)
    kept(app, BOB, CAROL)
    told(app)
    assert (went(relay), rows(app)[BOB].state, "in a template" in rows(app)[BOB].answer) == ([CAROL], "waiting", True)


def test_what_was_claimed_by_who_is_gone_is_unknown_after_a_while(app: Flask, relay: Relay) -> None:
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    kept(app)
    told(app)
    with app.app_context():
        db.session.query(Notice).update({"state": "sending", "claimed_at": stored_now(), "tries": 1})
        db.session.commit()
    app.config["SMTP_URL"] = relay.url
    later(app, minutes=9)
    told(app)
    assert letters(app) == [(BOB, "sending", 1)]
    later(app, minutes=2)
    told(app)
    assert (letters(app), went(relay)) == ([(BOB, "unknown", 1)], [])
    assert "not sent again" in rows(app)[BOB].answer


def test_letters_that_tell_at_once_go_before_digests(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.notices import chosen

    chosen(app, "bob", "hourly")
    kept(app, BOB)
    told(app)
    later(app, hours=2)
    kept(app, CAROL)
    told(app)
    assert [envelope.rcpt_tos for envelope in relay.envelopes] == [[CAROL], [BOB]]


def test_so_many_a_minute_go_and_no_more(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["NOTICE_RATE"] = 60
    now, slept = [1000.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(notice_sending, "monotonic", lambda: now[0])
    monkeypatch.setattr(notice_sending.time, "sleep", sleep)
    for name in ("bob", "carol", "dora"):
        kept(app, f"{name}@example.com")
    told(app)
    assert (len(relay.envelopes), sum(slept)) == (3, 2.0)


def test_neither_a_letter_of_ours_nor_what_comes_back_of_it_is_told_of(app: Flask, relay: Relay) -> None:
    """As Rspamd tells of them, rejected as they are."""
    make_node(app)
    client = app.test_client()
    kept(app)
    told(app)
    raw = bytes(relay.envelopes[0].content or b"")
    bounce = b"From: <>\r\nTo: keep@example.com\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n\r\n" + raw
    for sent, sender, to in ((raw, "", BOB), (raw, "keep@example.com", BOB), (bounce, "", "keep@example.com")):
        headers = {"from": sender, "rcpt": f'["{to}"]', "action": "reject"}
        assert post(client, sent, **headers).status_code == 200
    assert post(client, b"Subject: other\r\n\r\nx\r\n", action="reject").status_code == 200
    told(app)
    assert went(relay) == [BOB, BOB]
    assert [(row.state, row.mails) for row in all_letters(app)] == [(NoticeStep.SENT, 1), (NoticeStep.SENT, 1)]


def all_letters(app: Flask) -> list[Notice]:
    with app.app_context():
        return list(db.session.query(Notice).order_by(Notice.id))
