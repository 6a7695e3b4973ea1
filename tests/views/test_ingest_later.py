"""A post whose server keeps no thread for it: nothing may be waited for, and it is answered once, when the mail is safe."""

import gzip
import io
import json
import logging
import pathlib
import threading
from typing import Any

import msgpack
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app.actor import SYSTEM
from app.extensions import db
from app.later import LATER, Headers
from app.models import Mail
from app.services.nodes import edit
from app.services.rescan_mark import MARK, rescan_mark
from app.services.sealing import key_for
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import AUTHORIZATION, make_headers, make_node, make_raw, post
from tests.servers.process import wait_for


class Asker:
    def __init__(self) -> None:
        self.is_taken = False
        self.answers: list[tuple[str, str]] = []
        self.told = threading.Event()

    def answer(self, status: str, _headers: Headers, body: bytes) -> None:
        self.answers.append((status, body.decode()))
        self.told.set()


def ask(app: Flask, raw: bytes, *, is_told: bool = True, **environ: Any) -> Asker:
    asker = Asker()
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in make_headers().items() if is_told}
    fields |= {"REQUEST_METHOD": "POST", "PATH_INFO": "/ingest/mx1", "QUERY_STRING": "", "SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1"}
    fields |= {"CONTENT_LENGTH": str(len(raw)), "CONTENT_TYPE": "text/plain", "HTTP_AUTHORIZATION": AUTHORIZATION}
    unused: Any = None
    app.wsgi_app(fields | {"wsgi.input": io.BytesIO(raw), LATER: asker} | environ, unused)
    return asker


@pytest.fixture
def known(app: Flask, client: FlaskClient) -> Flask:
    """Its node has posted before: who it is is known from memory, and the intake runs."""
    make_node(app)
    assert not ask(app, make_raw()).is_taken  # nobody has looked at its password yet
    assert post(client, make_raw()).status_code == 200
    return app


def test_it_is_answered_once_by_the_intake_when_the_mail_is_a_row(known: Flask) -> None:
    asker = ask(known, make_raw(), PATH_INFO="/api/metadata_importer.php", QUERY_STRING="server=MX1")
    assert asker.is_taken
    assert asker.told.wait(10)
    with known.app_context():
        newest = db.session.scalar(select(func.max(Mail.id)))
    assert asker.answers == [("200 OK", f"committed {newest}\n")]


def test_nothing_is_asked_of_the_database_in_the_servers_one_thread(known: Flask) -> None:
    asked: list[str] = []
    with known.app_context():
        engine = db.engine
    here = threading.current_thread()
    event.listen(engine, "before_cursor_execute", lambda *_: asked.append(threading.current_thread().name))
    asker = ask(known, make_raw())
    assert asker.told.wait(10)
    assert here.name not in asked
    assert asked


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"HTTP_X_RSPAMD_SYMBOLS": json.dumps([{"name": "A"}] * 2001)}, "413 Request Entity Too Large", "2001 symbols"),
        ({"CONTENT_LENGTH": "999999"}, "400 Bad Request", "the body ended after"),
        ({"HTTP_X_RSPAMD_SYMBOLS": "{"}, "200 OK", "committed"),
    ],
)
def test_what_is_refused_is_told_at_once_and_logged_once(
    known: Flask, caplog: pytest.LogCaptureFixture, changed: dict[str, Any], status: str, says: str
) -> None:
    caplog.set_level(logging.WARNING)
    asker = ask(known, make_raw(), **changed)
    assert asker.told.wait(10)
    assert [(asker.answers[0][0], says in asker.answers[0][1])] == [(status, True)]
    assert len([record for record in caplog.records if "refused mx1" in record.message]) == (not status.startswith("200"))


@pytest.mark.parametrize(
    "changed",
    [
        {"HTTP_AUTHORIZATION": "Basic cnNwYW1kOndyb25n"},
        {"HTTP_AUTHORIZATION": ""},
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"PATH_INFO": "/ingest/mx9"},
        {"PATH_INFO": "/ingest/"},
        {"PATH_INFO": "/maillist/list/"},
        {"HTTP_CONTENT_ENCODING": "gzip"},
    ],
)
def test_what_could_take_its_time_is_left_to_a_thread(known: Flask, changed: dict[str, str]) -> None:
    asker = ask(known, make_raw(), **changed)
    assert (asker.is_taken, asker.answers) == (False, [])


def test_a_node_that_is_shut_out_is_known_no_more(known: Flask) -> None:
    with known.app_context():
        edit("mx1", enabled=False, actor=SYSTEM)
    known.extensions["mailkeep_nodes"].refresh(0)
    assert not ask(known, make_raw()).is_taken


def test_a_new_password_ends_what_was_known(known: Flask) -> None:
    with known.app_context():
        edit("mx1", password="another-one", actor=SYSTEM)
    known.extensions["mailkeep_nodes"].refresh(0)
    assert not ask(known, make_raw()).is_taken


def test_a_mail_that_is_not_safe_is_a_no(known: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = known.extensions["mailkeep_intake"].running
    intake.database_away = True

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.storage.spool.os.writev", full)
    asker = ask(known, make_raw())
    assert asker.told.wait(10)
    assert asker.answers == [("503 Service Unavailable", "neither the database nor the spool takes mails now\n")]


def test_one_that_cannot_be_told_spoils_no_other(known: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Asker, "answer", gone)
        assert ask(known, make_raw()).is_taken
        wait_for(lambda: not known.extensions["mailkeep_intake"].running.journal.active.pending, 10)
    asker = ask(known, make_raw())
    assert asker.told.wait(10)
    assert asker.answers[0][0] == "200 OK"


def test_a_mail_that_we_had_scanned_again_is_no_mail(known: Flask) -> None:
    with known.app_context():
        mark = rescan_mark(key_for(MARK), 77)
    asker = ask(known, make_raw(), HTTP_X_RSPAMD_QID=mark)
    assert asker.answers == [("200 OK", "rescanned 77\n")]


def test_who_is_waiting_is_told_after_a_while_that_the_mail_is_in_the_spool(known: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake, goes_on = known.extensions["mailkeep_intake"].running, threading.Event()
    commit = intake._commit
    monkeypatch.setattr(intake._watch, "_patience", 0.05)
    monkeypatch.setattr(intake, "_commit", lambda tickets: goes_on.wait(20) and commit(tickets))
    askers = [ask(known, make_raw()) for _ in range(30)]
    try:
        assert all(asker.told.wait(10) for asker in askers)
        assert {asker.answers[0][1].split()[0] for asker in askers} == {"spooled"}
    finally:
        goes_on.set()
    wait_for(lambda: not intake.journal.active or not intake.journal.active.pending, 20)
    assert all(len(asker.answers) == 1 for asker in askers)  # not once more, when it is a row


_PARTS = '--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n--x\r\nContent-Disposition: form-data; name="message"\r\n'


@pytest.mark.parametrize(
    ("raw", "changed"),
    [
        (make_raw(1).replace(b"\r\n\r\n", b"\r\n" + b"a:\xe9\r\n" * 8000 + b"\r\n"), {}),
        (make_raw(1), {"HTTP_X_RSPAMD_RCPT": json.dumps([f"user{number}@example.com" for number in range(2000)])}),
        (make_raw(1), {"HTTP_X_RSPAMD_SUBJECT": "=?UTF-8?Q?=C3=A9?= " * 2000}),
        (_PARTS.encode() + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a" * 30_000_000) + b"\r\n--x--\r\n", {"CONTENT_TYPE": "multipart/form-data; boundary=x"}),
        (msgpack.packb({"qid": "Q1", "symbols": []}), {"is_told": False}),
    ],
    ids=["headers", "recipients", "subject", "packed part", "msgpack"],
)  # fmt: skip
def test_what_somebody_has_made_dear_to_read_is_left_to_a_thread(known: Flask, raw: bytes, changed: dict[str, Any]) -> None:
    """Whoever sends a mail chooses most of it: the server's one thread is not his."""
    asker = ask(known, raw, **changed)
    assert (asker.is_taken, asker.answers) == (False, [])


def test_behind_a_trusted_proxy_it_is_the_senders_address_that_counts(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, TRUSTED_PROXIES=["192.0.2.1"])
    make_node(app)
    assert post(app.test_client(), make_raw()).status_code == 200
    through = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    assert ask(app, make_raw(), **through).told.wait(10)
    assert not ask(app, make_raw(), **through | {"HTTP_X_FORWARDED_FOR": "127.0.0.1, 203.0.113.9"}).is_taken
    assert not ask(app, make_raw(), REMOTE_ADDR="192.0.2.1").is_taken
    close(app)
