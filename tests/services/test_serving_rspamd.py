"""An Rspamd that listens to its own server alone is taught and asked through the Mailkeep of that server, and for nothing else."""

import json
import pathlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.errors import MailkeepError
from app.extensions import db
from app.models import Mail
from app.queries.learning import ANYTHING
from app.rspamd.lessons import Learnt, Lesson
from app.services import learning, rescanning
from app.services.nodes import edit
from app.services.peers import asked
from tests.apps import close
from tests.databases import SqliteCopies
from tests.nodes import node_app, reach, served
from tests.releases import ADMIN, BOB, stored
from tests.servers.process import free_port

RAW = b"From: eve@example.net\r\n\r\nlearn this\r\n"
VERDICT = {"score": 7.5, "action": "reject", "symbols": {"A": {"name": "A", "score": 7.5}}}


@dataclass
class Asked:
    url: str = ""
    lines: list[tuple[str, bytes, str]] = field(default_factory=list)
    """Path, body and password."""
    status: int = 200


@pytest.fixture
def rspamd() -> Iterator[Asked]:
    found = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.lines.append((self.path, self.rfile.read(int(self.headers["Content-Length"])), self.headers.get("Password", "")))
            self.say(VERDICT if self.path == "/checkv2" else {"success": True})

        def do_GET(self) -> None:
            self.say([])

        def say(self, told: object) -> None:
            body = json.dumps(told).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def two(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, rspamd: Asked) -> Iterator[tuple[Flask, Flask, int]]:
    """mx1, and mx2, which has the copy of a mail, an Rspamd and its password."""
    url = sqlite_copies.make(tmp_path)
    asker, holder = (node_app(url, tmp_path, name) for name in ("mx1", "mx2"))
    mail_id = stored(holder, BOB, raw=RAW)
    with holder.app_context():
        mail = db.session.get_one(Mail, mail_id)
        mail.node = mail.copy_node = "mx2"
        db.session.commit()
        edit("mx2", controller=rspamd.url, controller_password="Only-Here-7", actor=SYSTEM)
    yield asker, holder, mail_id
    close(asker)
    close(holder)


def taught(app: Flask, mail_id: int) -> tuple[str, str]:
    with app.app_context():
        found = learning.learn(ANYTHING, mail_id, Lesson.SPAM, sure=True, actor=ADMIN)
        return found.state, found.reply


def test_it_learns_and_scans_through_its_own_node(two: tuple[Flask, Flask, int], rspamd: Asked) -> None:
    asker, holder, mail_id = two
    with served(holder):
        assert taught(asker, mail_id) == (Learnt.DONE, "")
        with asker.app_context():
            rescanning.scan_again(ANYTHING, mail_id, actor=ADMIN)
    assert rspamd.lines == [("/learnspam", RAW, "Only-Here-7"), ("/checkv2", RAW, "Only-Here-7")]


def test_what_goes_wrong_on_the_way_is_kept_with_the_lesson(two: tuple[Flask, Flask, int], rspamd: Asked) -> None:
    asker, holder, mail_id = two
    reach(holder, f"http://127.0.0.1:{free_port()}")
    assert taught(asker, mail_id) == (Learnt.FAILED, "mx2 does not answer: Connection refused.")
    rspamd.status = 403
    with served(holder):
        state, reply = taught(asker, mail_id)
    assert (state, "wants another password" in reply) == (Learnt.FAILED, True)


ODD: list[dict[str, Any]] = [
    {"path": "/stat"},
    {"path": "/learnspam/../stat"},
    {"path": "/saveactions"},
    {"method": "GET"},
    {"method": 7},
    {"mail": "1"},
    {"mail": 1},
    {"mail": True},
    {"headers": {}},
    {"headers": [["Password", "x"]]},
    {"headers": [["Content-Length", "5"]]},
    {"headers": [["From", "a\r\nPassword: x"]]},
    {"headers": [["From"]]},
    {"headers": [["From", 7]]},
]


def test_nothing_else_is_asked_of_it(two: tuple[Flask, Flask, int], rspamd: Asked) -> None:
    asker, holder, mail_id = two
    usual = {"which": "controller", "mail": mail_id, "method": "POST", "path": "/learnspam", "headers": []}
    with served(holder), asker.app_context():
        for changes in ODD:
            with pytest.raises(MailkeepError, match=r"mx2 cannot do it|The stored copy is gone"):
                asked("mx2", "POST", "/rspamd", json.dumps(usual | changes).encode())
    assert rspamd.lines == []
