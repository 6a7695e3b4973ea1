"""The door between nodes: a request counts once, soon, as it was signed, here, and from where its node may ask; else it is refused, always alike."""

import base64
import datetime as dt
import hashlib
import logging
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.actor import SYSTEM
from app.clock import now_ms
from app.extensions import db
from app.models import Node, NodeNonce, Release
from app.peers.claims import Claims, claims_of, is_signed_with, read_claims, signed
from app.services.copy_removal import take_leave
from app.services.insert import insert_entries
from app.services.nodes import edit
from app.services.nonces import forget_old
from app.services.peering import Api, new_secret, set_api
from app.services.sealing import seal
from app.storage import store_for
from app.storage.local import digest_of, pack
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import make_entry, make_raw
from tests.nodes import node_app, secret
from tests.releases import ADMIN, BOB, asked, stored
from tests.servers.process import wait_for

STATE = "/api/node/state"
REFUSED = "This node does not answer you. Its log says why.\n"


@pytest.fixture
def two(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[tuple[Flask, Flask]]:
    url = sqlite_copies.make(tmp_path)
    apps = tuple(node_app(url, tmp_path, name, "smtp://127.0.0.1:9") for name in ("mx1", "mx2"))
    yield apps[0], apps[1]
    for app in apps:
        close(app)


def claims(method: str = "GET", path: str = STATE, body: bytes = b"", **more: Any) -> Claims:
    return replace(claims_of("mx1", "mx2", now_ms() // 1000, method, path, body, ADMIN), **more)


def send(app: Flask, header: str, method: str = "GET", path: str = STATE, body: bytes = b"", **more: Any) -> TestResponse:
    headers = {"Authorization": header, "Content-Type": "application/json"}
    return app.test_client().open(path, method=method, data=body, headers=headers, **more)


def told(answer: TestResponse, caplog: pytest.LogCaptureFixture) -> str:
    """Why it was refused, which only the log says."""
    assert (answer.status_code, answer.get_data(as_text=True)) == (403, REFUSED)
    return caplog.records[-1].getMessage()


def test_what_is_signed_is_answered_once_and_never_again(two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture) -> None:
    asker, here = two
    header = signed(claims(), secret(asker))
    answer = send(here, header)
    assert (answer.status_code, answer.get_json()["node"]) == (200, "mx2")
    assert "came a second time" in told(send(here, header), caplog)
    assert "meant it for 'mx2', and this is mx1" in told(send(asker, header), caplog)


OTHERWISE: list[tuple[dict[str, Any], str]] = [
    ({"to": "mx1"}, "meant it for 'mx1'"),
    ({"at": now_ms() // 1000 - 1000}, "seconds from ours"),
    ({"at": now_ms() // 1000 + 1000}, "seconds from ours"),
    ({"method": "POST"}, "is not what came"),
    ({"path": f"{STATE}?x=1"}, "is not what came"),
    ({"path": "/api/node/mails/7/raw"}, "is not what came"),
    ({"digest": hashlib.sha256(b"another").hexdigest()}, "signed another body"),
    ({"by": "mx9"}, "no node 'mx9' with a secret"),
    ({"by": "MX1"}, "no node 'MX1' with a secret"),
    ({"nonce": "short"}, "none of ours"),
    ({"nonce": "A" * 32}, "none of ours"),
    ({"at": True}, "none of ours"),
    ({"path": f"{STATE}\n"}, "none of ours"),
    ({"actor": replace(ADMIN, name="a\nb")}, "none of ours"),
    ({"actor": replace(ADMIN, user_id="1")}, "none of ours"),
    ({"actor": replace(ADMIN, user_id=1 << 70)}, "none of ours"),
]


def test_what_is_signed_counts_as_it_is_and_no_other_way(two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture) -> None:
    asker, here = two
    for changes, says in OTHERWISE:
        assert says in told(send(here, signed(claims(**changes), secret(asker))), caplog)
    with here.app_context():
        assert db.session.query(NodeNonce).count() == 0


def test_each_node_signs_with_its_own_secret(two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture) -> None:
    asker, here = two
    old = secret(asker)
    assert "not signed with the secret of mx1" in told(send(here, signed(claims(), secret(here))), caplog)
    assert "not signed with the secret of mx1" in told(send(here, signed(claims(), "")), caplog)
    with here.app_context():
        new_secret("mx1", actor=SYSTEM)
    assert "not signed" in told(send(here, signed(claims(), old)), caplog)
    assert send(here, signed(claims(), secret(asker))).status_code == 200


def test_a_node_without_a_secret_or_switched_off_or_elsewhere_is_refused(
    two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture
) -> None:
    asker, here = two
    own = secret(asker)
    assert "may not ask from there" in told(send(here, signed(claims(), own), environ_overrides={"REMOTE_ADDR": "192.0.2.9"}), caplog)
    forged = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}}
    assert "TRUSTED_PROXIES does not name it" in told(send(here, signed(claims(), own), **forged), caplog)
    with here.app_context():
        edit("mx1", enabled=False, actor=SYSTEM)
    assert "is disabled" in told(send(here, signed(claims(), own)), caplog)
    with here.app_context():
        edit("mx1", enabled=True, actor=SYSTEM)
        set_api("mx1", Api(allow=[]), actor=SYSTEM)
    assert "may not ask from there" in told(send(here, signed(claims(), own)), caplog)


GARBAGE = [
    "",
    "Mailkeep",
    "Mailkeep ",
    "Mailkeep .",
    "Mailkeep " + "A" * 5000,
    "Mailkeep " + base64.urlsafe_b64encode(b"[" * 3000).decode(),
    "Mailkeep " + base64.urlsafe_b64encode(b'{"actor": 7}').decode() + ".00",
    "Mailkeep " + base64.urlsafe_b64encode(b'{"actor": {"name": 1}}').decode() + ".00",
    "Mailkeep é.é",
    "Bearer x",
    "Basic !!!",
    "Basic " + base64.b64encode(b"rspamd:secret").decode(),
    "Basic " + base64.b64encode(b":").decode(),
]


def test_garbage_is_refused_as_anything_else(two: tuple[Flask, Flask]) -> None:
    for header in GARBAGE:
        answer = send(two[1], header)
        assert (answer.status_code, answer.get_data(as_text=True)) == (403, REFUSED), header[:30]


def test_two_headers_are_none_and_a_changed_signature_is_wrong(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    header = signed(claims(), secret(asker))
    assert send(here, f"{header}, {header}").status_code == 403
    assert send(here, header[:-1] + ("0" if header[-1] != "0" else "1")).status_code == 403
    assert send(here, header + "0").status_code == 403
    assert is_signed_with(header, secret(asker))
    assert read_claims(header).actor == ADMIN


def test_a_path_is_what_was_signed_or_nothing(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    for path in ("/api/node/mails/7/../state", "/api/node//state", "/api/node/mails/%37/raw", "/api/node/state/"):
        answer = send(here, signed(claims(), secret(asker)), path=path)
        assert answer.status_code in (403, 404, 308)
        assert b"spool" not in answer.data


def test_a_large_body_is_not_read_to_its_end(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    body = b"x" * (2 << 20)
    call = {"method": "POST", "path": "/api/node/release", "body": body}
    assert send(here, "Mailkeep x.y", **call).status_code == 403
    assert send(here, signed(claims(**call), secret(asker)), **call).status_code == 413


NO_IDS = (b"", b"[]", b"7", b'{"ids": 7}', b'{"ids": ["1"]}', b'{"ids": [true]}', b'{"ids": [' + b"1," * 600 + b"1]}", b"{" * 500)


def test_what_no_node_would_send_is_told_so(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    for body in NO_IDS:
        call = {"method": "POST", "path": "/api/node/release", "body": body}
        assert send(here, signed(claims(**call), secret(asker)), **call).status_code == 400


def test_nobody_has_another_node_send_what_is_not_its_own_or_not_due(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    (own,) = asked(asker, stored(asker, BOB), BOB)
    with here.app_context():
        db.session.query(Release).update({"state": "cancelled"})
        db.session.commit()
    body = f'{{"ids": [{own}, 99999]}}'.encode()
    call = {"method": "POST", "path": "/api/node/release", "body": body}
    assert send(here, signed(claims(**call), secret(asker)), **call).get_json() == {"taken": 0}


def test_a_copy_goes_where_it_is_when_another_node_says_so_and_no_mail_has_it(two: tuple[Flask, Flask]) -> None:
    asker, here = two
    [gone, kept] = [make_raw(), make_raw()]
    with here.app_context():
        store = store_for(here.config["STORE_URL"])
        for raw in (gone, kept):
            store.put(digest_of(raw), pack(raw, 1))
            take_leave("mx2", digest_of(raw))
        db.session.commit()
        insert_entries(db.engine, [make_entry(kept, keep=True)], "mx2")

        def remove(body: bytes) -> Any:
            call = {"method": "POST", "path": "/api/node/remove", "body": body}
            return send(here, signed(claims(**call), secret(asker)), **call)

        assert remove(orjson.dumps({"digests": [digest_of(gone), digest_of(kept), "0" * 64]})).get_json() == {"taken": 2}
        wait_for(lambda: not store.is_in_place(digest_of(gone)), 10)
        assert store.is_in_place(digest_of(kept))
        for body in (b'{"digests": 7}', b'{"digests": ["../../etc/passwd"]}', b'{"digests": [' + b"1," * 600 + b"1]}"):
            assert remove(body).status_code == 400


def test_a_program_reads_with_its_password_and_does_no_more(two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture) -> None:
    here = two[1]
    basic = "Basic " + base64.b64encode(b"rqwatch:Right-7").decode()
    assert "are not taken from there" in told(send(here, basic), caplog)
    with here.app_context():
        set_api("mx1", Api(user="rqwatch", password="Right-7"), actor=SYSTEM)
    assert send(here, basic).get_json()["node"] == "mx2"
    assert "good for reading only" in told(send(here, basic, "POST", "/api/node/release", b'{"ids": []}'), caplog)
    outside = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.9"}}
    assert "came over http://" in told(send(here, basic, **outside), caplog)
    assert "are not taken from there" in told(send(here, basic, **outside, base_url="https://localhost"), caplog)
    wrong = "Basic " + base64.b64encode(b"rqwatch:Wrong-7").decode()
    assert "a wrong user or password" in told(send(here, wrong), caplog)
    with here.app_context():
        set_api("mx1", Api(user=""), actor=SYSTEM)
    assert "are not taken from there" in told(send(here, basic), caplog)


def test_a_secret_of_another_key_is_none(two: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture) -> None:
    asker, here = two
    own = secret(asker)
    with here.app_context():
        db.session.query(Node).filter_by(name="mx1").update({"api_secret": seal(own, "API of node mx2")})
        db.session.commit()
    assert "no node 'mx1' with a secret" in told(send(here, signed(claims(), own)), caplog), (
        "sealed for another node, it is none of this one's"
    )


def test_what_was_used_is_forgotten_when_it_is_too_old_anyway(two: tuple[Flask, Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    asker, here = two
    assert send(here, signed(claims(), secret(asker))).status_code == 200
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=4)):
        for app, left in ((asker, 1), (here, 0)):
            with app.app_context():
                forget_old()
                assert db.session.query(NodeNonce).count() == left, "each forgets its own"
    assert send(here, signed(claims(), secret(asker))).status_code == 200
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=3)), asker.app_context():
        forget_old()
        assert db.session.query(NodeNonce).count() == 0, "and what a node left behind that does so no more"


@pytest.fixture(autouse=True)
def all_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "app.security.peer")
    monkeypatch.setattr("app.security.peer._TELL_SECONDS", -1.0)
