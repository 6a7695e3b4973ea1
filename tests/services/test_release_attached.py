"""A mail released as an attachment, and what comes back from a release."""

import json
import pathlib
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import SMTP

import pytest
from flask import Flask

from app.errors import Conflict
from app.extensions import db
from app.mime.release import is_released
from app.models import MailDetail, Mode, UserSetting
from app.models.people import User
from app.rspamd.report import Report
from app.services.released import ORIGIN, with_origin
from app.services.sealing import key_for
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import make_user
from tests.releases import BOB, CAROL, asked, releasing_app, row_of, sent, states, stored
from tests.servers.relay import Relay

RAW = b"From: eve@example.net\r\nTo: bob@example.com\r\nSubject: hello\r\n\r\n.dots\r\n--x\r\n"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url)
    yield app
    close(app)


def test_it_goes_in_a_mail_that_explains_it(app: Flask, relay: Relay) -> None:
    make_user(app, "bob", "Recipient")
    with app.app_context():
        db.session.add(UserSetting(user_id=db.session.query(User).filter_by(username="bob").one().id, language="de"))
        db.session.commit()
    mail_id = stored(app, BOB, CAROL, raw=RAW, mail_from="eve@example.net", subject="hello\r\nBcc: all@example.com")
    asked(app, mail_id, mode=Mode.ATTACHED)
    assert sent(app) == 1
    envelope = relay.envelopes[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", [BOB]), "what cannot be delivered comes back to nobody"
    content = bytes(envelope.content or b"")
    found = message_from_bytes(content, policy=SMTP)
    assert (found["To"], found["Bcc"], found["Auto-Submitted"]) == (BOB, None, "auto-generated")
    text, part = (each for each in found.iter_parts())
    for told in ("admin", "eve@example.net", "hello", "reject (15.5)"):
        assert told in text.get_content()
    assert part.get_content_type() == "message/rfc822"
    assert RAW in content
    with app.app_context():
        assert is_released(content, BOB, key_for("release")) is not None
    assert states(app, mail_id) == [(BOB, "sent")]


def test_a_virus_is_warned_of(app: Flask, relay: Relay) -> None:
    asked(app, stored(app, virus="Eicar"), mode=Mode.ATTACHED, sure=True)
    sent(app)
    text = next(iter(message_from_bytes(bytes(relay.envelopes[0].content or b""), policy=SMTP).iter_parts()))
    assert "WARNING" in text.get_content()
    assert "Eicar" in text.get_content()


def test_the_site_may_prefer_it(app: Flask) -> None:
    app.config["RELEASE_MODE"] = "attached"
    mail_id = stored(app, BOB, CAROL)
    (first,), (second,) = asked(app, mail_id), asked(app, mail_id, CAROL, mode=Mode.AS_IT_WAS)
    assert (row_of(app, first).mode, row_of(app, second).mode) == ("attached", "as_it_was")


def test_an_address_that_fits_no_header_fails_for_good(app: Flask, relay: Relay) -> None:
    (release_id,) = asked(app, stored(app, '"bob smith"@example.com'), '"bob smith"@example.com', mode=Mode.ATTACHED)
    sent(app)
    assert (row_of(app, release_id).state, row_of(app, release_id).is_tried_again, relay.envelopes) == ("failed", False, [])


@pytest.mark.parametrize("mode", Mode)
def test_what_came_back_is_not_sent_round_again(app: Flask, relay: Relay, mode: Mode) -> None:
    asked(app, stored(app, BOB, CAROL, raw=RAW), mode=mode)
    sent(app)
    raw = bytes(relay.envelopes[0].content or b"")
    headers = raw.partition(b"\r\n\r\n")[0].decode()
    back = stored(app, BOB, CAROL, raw=raw, headers=headers)
    with pytest.raises(Conflict, match="itself one that was released to bob"):
        asked(app, back, sure=True)
    with pytest.raises(Conflict, match="itself one"):
        asked(app, back, CAROL, BOB, sure=True)
    asked(app, back, CAROL)
    assert states(app, back) == [(CAROL, "waiting")]


def test_what_came_back_is_known_as_it_comes_in(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, raw=RAW)
    asked(app, mail_id)
    sent(app)
    raw = bytes(relay.envelopes[0].content or b"")
    report = Report(recipients=(CAROL, "Bob@example.com"), headers=raw.partition(b"\r\n\r\n")[0].decode(), extra={"odd": ["ip"]})
    with app.app_context():
        key = key_for("release")
    assert with_origin(report, raw, key).extra == {"odd": ["ip"], ORIGIN: mail_id}
    forged = Report(recipients=(BOB,), headers="Subject: hi", extra={ORIGIN: 7})
    for one, of in ((forged, RAW), (report, raw + b"more"), (Report(recipients=(CAROL,), headers=report.headers), raw), (report, None)):
        assert ORIGIN not in with_origin(one, of, key).extra
    back = stored(app, raw=raw, extra=with_origin(report, raw, key).extra)
    with app.app_context():
        assert json.loads(db.session.get(MailDetail, back).extra)[ORIGIN] == mail_id
