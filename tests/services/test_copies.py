"""A copy on another node is read from there, verified; what cannot be had is said in a sentence, and soon."""

import pathlib
import ssl
import sys
from collections.abc import Iterator

import pytest
from flask import Flask

from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import AuditEvent, Mail, Node
from app.peers.wire import prints_of
from app.services import copies, peers
from app.services.nodes import remove
from app.services.peering import new_secret
from app.services.release_elsewhere import wake_others
from app.services.sealing import seal
from app.storage import store_for
from app.storage.local import pack
from tests.apps import close
from tests.databases import SqliteCopies
from tests.nodes import node_app, reach, served
from tests.releases import ADMIN, BOB, asked, row_of, sent, stored
from tests.servers.process import free_port, wait_for
from tests.servers.relay import Relay, silent_port
from tests.servers.slapd import Authority

RAW = b"From: eve@example.net\r\nSubject: hello\r\n\r\n\xff\x00 as it came\r\n" + (b"x" * 70 + b"\r\n") * 10_000


@pytest.fixture
def two(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[tuple[Flask, Flask]]:
    """mx1, which asks, and mx2, which has the copies and sends."""
    url = sqlite_copies.make(tmp_path)
    asker, holder = (node_app(url, tmp_path, name, relay.url) for name in ("mx1", "mx2"))
    yield asker, holder
    close(asker)
    close(holder)


def kept(holder: Flask, raw: bytes = RAW) -> int:
    """The id of a mail that this node took."""
    mail_id = stored(holder, BOB, raw=raw)
    with holder.app_context():
        db.session.get_one(Mail, mail_id).copy_node = holder.config["NODE_NAME"]
        db.session.commit()
    return mail_id


def raw_at(app: Flask, mail_id: int) -> bytes:
    with app.app_context():
        return copies.raw_of(db.session.get_one(Mail, mail_id), actor=ADMIN)


def refusal(app: Flask, mail_id: int, kind: type[Exception] = Unavailable) -> str:
    with pytest.raises(kind) as told:
        raw_at(app, mail_id)
    return str(told.value)


def file_of(app: Flask, mail_id: int) -> pathlib.Path:
    with app.app_context():
        digest = db.session.get_one(Mail, mail_id).copy_digest or ""
        return store_for(app.config["STORE_URL"])._path(digest)


def test_it_comes_byte_for_byte_and_the_trail_says_through_whom(two: tuple[Flask, Flask]) -> None:
    asker, holder = two
    mail_id = kept(holder)
    with served(holder):
        assert raw_at(asker, mail_id) == RAW
        assert raw_at(asker, mail_id) == RAW
    with asker.app_context():
        events = db.session.query(AuditEvent).filter_by(verb="mail.fetched").all()
        assert [(row.actor, row.ip, row.target_id, row.after) for row in events] == [
            ("admin", "192.0.2.1", str(mail_id), '{"from": "mx2", "through": "mx1"}')
        ], "once for both: opening it again shortly after is no further event"


def test_what_the_own_store_has_is_nobody_elses_to_give(two: tuple[Flask, Flask]) -> None:
    """A shared store, or the same spam taken by both."""
    asker, holder = two
    mail_id = kept(holder)
    with asker.app_context():
        store = store_for(asker.config["STORE_URL"])
        store.put(db.session.get_one(Mail, mail_id).copy_digest or "", pack(RAW, 1))
    assert raw_at(asker, mail_id) == RAW


def test_what_is_gone_or_damaged_there_is_said(two: tuple[Flask, Flask]) -> None:
    asker, holder = two
    mail_id = kept(holder)
    with served(holder):
        file_of(holder, mail_id).write_bytes(pack(b"another", 1))
        assert refusal(asker, mail_id) == "mx2 cannot do it: The stored copy is damaged."
        file_of(holder, mail_id).unlink()
        assert refusal(asker, mail_id, NotFound) == "The stored copy is gone."
        with pytest.raises(NotFound):
            asked(asker, mail_id, BOB)


def test_a_node_that_lies_is_not_believed(two: tuple[Flask, Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    asker, holder = two
    mail_id = kept(holder)
    monkeypatch.setattr(sys.modules["app.views.node_api"], "copy_for", lambda *_: b"From: another\r\n")
    with served(holder):
        assert refusal(asker, mail_id) == "The stored copy is damaged."


def test_a_node_that_cannot_be_asked_is_named_with_the_reason(two: tuple[Flask, Flask]) -> None:
    asker, holder = two
    mail_id = kept(holder)
    assert refusal(asker, mail_id) == "It is not known how to reach mx2: give it an API address."
    reach(holder, f"http://127.0.0.1:{free_port()}")
    assert refusal(asker, mail_id) == "mx2 does not answer: Connection refused."
    with asker.app_context():
        copies.must_be_there(db.session.get_one(Mail, mail_id))  # a release waits for it
        remove("mx2", actor=ADMIN)
    assert refusal(asker, mail_id) == "mx2 is no node any more."


def test_one_that_says_nothing_is_waited_for_once(two: tuple[Flask, Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    asker, holder = two
    mail_id = kept(holder)
    monkeypatch.setattr("app.peers.wire.FIRST_BYTE_SECONDS", 0.3)
    with silent_port() as port:
        reach(holder, f"http://127.0.0.1:{port}")
        assert refusal(asker, mail_id) == "mx2 does not answer: it did not answer in time."
        monkeypatch.setattr(peers, "ask", None)  # it is left alone for a while
        assert refusal(asker, mail_id) == "mx2 does not answer: it did not answer in time."


def test_a_mail_that_is_too_large_keeps_no_other_back(two: tuple[Flask, Flask]) -> None:
    asker, holder = two
    large, small = kept(holder), kept(holder, b"From: a@example.net\r\n\r\nsmall\r\n")
    asker.config["MAX_BODY_BYTES"] = 1000
    with served(holder):
        assert "more than 1000 bytes" in refusal(asker, large)
        assert b"small" in raw_at(asker, small)


def test_a_release_is_sent_by_who_has_the_copy(two: tuple[Flask, Flask], relay: Relay) -> None:
    asker, holder = two
    mail_id = kept(holder)
    (release_id,) = asked(asker, mail_id, BOB)
    assert row_of(asker, release_id).node == "mx2"
    assert sent(asker) == 0
    with served(holder), asker.app_context():
        wake(asker, release_id)
        wait_for(lambda: row_of(asker, release_id).state == "sent")
    assert len(relay.envelopes) == 1


def wake(app: Flask, release_id: int) -> None:
    with app.app_context():
        wake_others([release_id])


def test_a_release_waits_for_a_node_that_is_away_and_says_so(two: tuple[Flask, Flask], relay: Relay) -> None:
    asker, holder = two
    mail_id = kept(holder)
    reach(holder, f"http://127.0.0.1:{free_port()}")
    (release_id,) = asked(asker, mail_id, BOB)
    wake(asker, release_id)
    assert row_of(asker, release_id).reply == "The node does not answer; it sends the mail when it is back."
    assert sent(holder) == 1, "its own timer finds it"
    assert (row_of(asker, release_id).state, len(relay.envelopes)) == ("sent", 1)


def test_who_is_asked_sends_where_the_site_wants_that(two: tuple[Flask, Flask], relay: Relay) -> None:
    asker, holder = two
    asker.config["RELEASE_FROM"] = "asker"
    mail_id = kept(holder)
    with served(holder):
        asked(asker, mail_id, BOB)
        assert (sent(holder), sent(asker)) == (0, 1)
    assert bytes(relay.envelopes[0].content or b"").endswith(RAW[-1000:])


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_certificate_has_to_be_the_one(two: tuple[Flask, Flask], authority: Authority) -> None:
    asker, holder = two
    mail_id = kept(holder)
    with served(holder, authority) as server:
        url, ca = f"https://127.0.0.1:{server.server_port}", pathlib.Path(authority.file).read_text()
        assert raw_at(asker, mail_id) == RAW
        reach(holder, url, ca="")
        assert refusal(asker, mail_id).startswith("mx2 is not asked: its certificate is not trusted: ")
        reach(holder, url, ca=pathlib.Path(Authority().file).read_text())
        assert refusal(asker, mail_id).startswith("mx2 is not asked: its certificate is not trusted: ")
        for pin in prints(authority):
            reach(holder, url, ca="", pin=pin)
            assert raw_at(asker, mail_id) == RAW
        reach(holder, url, ca="", pin="0" * 64)
        assert refusal(asker, mail_id) == "mx2 is not asked: its certificate is not the one that is pinned."
        reach(holder, url, ca=ca, pin="0" * 64)
        assert refusal(asker, mail_id) == "mx2 is not asked: its certificate is not the one that is pinned."
    with served(holder, Authority("DNS:other.example")):
        assert "IP address mismatch" in refusal(asker, mail_id)


def prints(authority: Authority) -> tuple[str, str]:
    return prints_of(ssl.PEM_cert_to_DER_cert((authority.folder / "server.pem").read_text()))


def test_a_new_secret_counts_at_once_and_one_of_another_key_is_said(two: tuple[Flask, Flask]) -> None:
    asker, holder = two
    mail_id = kept(holder)
    with served(holder):
        with asker.app_context():
            assert len(new_secret("mx1", actor=ADMIN)) > 30
        assert raw_at(asker, mail_id) == RAW
        with asker.app_context():
            db.session.query(Node).filter_by(name="mx1").update({"api_secret": seal("x", "something else")})
            db.session.commit()
        assert refusal(asker, mail_id) == "The secret of mx1 was made under another SECRET_KEY: make a new one."
