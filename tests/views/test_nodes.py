"""The screen of the nodes: it waits for nobody, says why one is not reached, and shows what it makes once."""

import datetime as dt
import html
import pathlib
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.clock import now_ms
from app.extensions import db
from app.models import AuditEvent, Node
from app.services.node_state import note_state
from app.services.peering import secret_of
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import login, make_mails, token
from tests.nodes import node_app, reach, served
from tests.servers.process import free_port
from tests.servers.relay import silent_port


@pytest.fixture
def two(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[tuple[Flask, Flask]]:
    """Whose screen it is, and another."""
    url = sqlite_copies.make(tmp_path)
    apps = tuple(node_app(url, tmp_path, name) for name in ("mx1", "mx2"))
    yield apps[0], apps[1]
    for app in apps:
        close(app)


@pytest.fixture
def admin(two: tuple[Flask, Flask]) -> FlaskClient:
    return login(two[0], "root")


def text_of(client: FlaskClient, path: str) -> str:
    page = html.unescape(client.get(path, headers={"X-Fragment": "1"}).get_data(as_text=True))
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def send(client: FlaskClient, path: str, **fields: str) -> str:
    answer = client.post(path, data={"csrf_token": token(client, "/nodes/new"), **fields}, follow_redirects=True)
    return html.unescape(answer.get_data(as_text=True))


def test_each_says_how_it_is_also_where_it_cannot_be_asked(two: tuple[Flask, Flask], admin: FlaskClient) -> None:
    other = two[1]
    assert "mx2 only posts" in text_of(admin, "/nodes/").replace(" 0.1.0", "")
    make_mails(other, 1)
    with other.app_context():
        assert (note_state(), note_state()) == (True, False), "one process of a node writes, every half minute"
    told = text_of(admin, "/nodes/")
    assert re.search(r"mx1 this server \d{4}-", told), "the mail was scanned by mx1"
    assert re.search(r"mx2 \S+ alive seen \d{4}-\S+ \S+ – empty \d+ % [\d.,]+ [MGk]B free of", told)
    with other.app_context():
        node = db.session.query(Node).filter_by(name="mx2").one()
        assert secret_of(node)
        node.seen_at = dt.datetime(2026, 1, 31, tzinfo=dt.UTC).replace(tzinfo=None)
        db.session.commit()
    assert re.search(r"mx2 \S+ silent", text_of(admin, "/nodes/"))


def test_who_answers_tells_its_version_and_its_clock(two: tuple[Flask, Flask], admin: FlaskClient) -> None:
    with served(two[1]):
        assert "mx2 being asked" in text_of(admin, "/nodes/"), "the list itself asks nobody"
        assert re.search(r"mx2 \d\S+ answers .*[+-]0\.\d s", text_of(admin, "/nodes/states"))
        assert "mx2 answers: version" in send(admin, "/nodes/2/test")


def test_who_does_not_is_named_with_the_reason(two: tuple[Flask, Flask], admin: FlaskClient) -> None:
    reach(two[1], f"http://127.0.0.1:{free_port()}")
    assert "not reached mx2 does not answer: Connection refused." in text_of(admin, "/nodes/states")
    with served(two[1]):
        assert "answers" in text_of(admin, "/nodes/states"), "at another address it is asked at once"
    with served(two[0]):
        with two[0].app_context():
            url = db.session.query(Node.api_url).filter_by(name="mx1").scalar()
        reach(two[1], url)
        assert "mx2 refuses what is asked; its log says why." in text_of(admin, "/nodes/states"), "it is mx1 that answers there"


def test_one_that_hangs_holds_up_nobody_for_long(two: tuple[Flask, Flask], admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.node_look._SECONDS", 0.2)
    monkeypatch.setattr("app.peers.wire.FIRST_BYTE_SECONDS", 1.0)
    with silent_port() as port:
        reach(two[1], f"http://127.0.0.1:{port}")
        assert "It did not answer within" in text_of(admin, "/nodes/states")


def test_a_clock_that_is_off_is_told_as_that(two: tuple[Flask, Flask], admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.peers.now_ms", lambda: now_ms() - 300_000)
    with served(two[1]):
        assert re.search(r"mx2 refuses what is asked: the clocks are (299|300|301) seconds apart\.", text_of(admin, "/nodes/states"))


def test_an_auditor_looks_and_changes_nothing(two: tuple[Flask, Flask]) -> None:
    auditor = login(two[0], "watcher", "Auditor")
    assert "mx2" in text_of(auditor, "/nodes/")
    assert "<form" not in auditor.get("/nodes/", headers={"X-Fragment": "1"}).get_data(as_text=True)


def test_a_node_is_made_changed_and_removed_and_its_password_is_shown_once(two: tuple[Flask, Flask], admin: FlaskClient) -> None:
    here = two[0]
    page = send(
        admin, "/nodes/new", name="mx3", user="rspamd", allow="192.0.2.3", api_url="https://mx3.example", api_allow="192.0.2.3,2001:db8::1"
    )
    password = re.search(r'id="made-1" value="([^"]+)"', page)
    assert password is not None
    assert password[1] not in send(
        admin, "/nodes/3", user="rspamd", allow="192.0.2.0/24", controller_url="http://192.0.2.3:11334", controller_password="Hush-7"
    )
    with here.app_context():
        node = db.session.get_one(Node, 3)
        assert (node.allow, node.api_url, node.api_allow, node.controller_url) == ("192.0.2.0/24", "", "", "http://192.0.2.3:11334")
    assert 'value="rspamd"' in admin.get("/nodes/3").get_data(as_text=True)
    assert "Hush-7" not in admin.get("/nodes/3").get_data(as_text=True)
    another = re.search(r'id="made-1" value="([^"]+)"', send(admin, "/nodes/3/password"))
    secret = re.search(r'id="made-1" value="([^"]+)"', send(admin, "/nodes/3/secret"))
    assert another is not None
    assert another[1] != password[1]
    assert secret is not None
    with here.app_context():
        assert secret_of(db.session.get_one(Node, 3)) == secret[1]
    assert "The node is switched off" in send(admin, "/nodes/3/switch", on="no")
    assert "The node is removed" in send(admin, "/nodes/3/remove")
    assert "it needs its node" in send(admin, "/nodes/1/remove")
    with here.app_context():
        trail = " ".join(f"{row.verb} {row.before} {row.after}" for row in db.session.query(AuditEvent).filter_by(target_id="mx3"))
        assert re.findall(r"node\.\w+", trail) == ["node.added"] + ["node.changed"] * 6 + ["node.removed"]
        assert not [word for word in ("Hush-7", password[1], another[1], secret[1]) if word in trail]


WRONG: list[tuple[dict[str, str], str]] = [
    ({"api_url": "http://mx2.example"}, "in the clear"),
    ({"api_url": "https://user:secret@mx2.example"}, "is no address such as"),
    ({"api_url": "file:///etc/passwd"}, "is no address such as"),
    ({"api_url": "https://mx2.example:99999"}, "is no address such as"),
    ({"api_url": "https://mx2.example/a/../b"}, "is no address such as"),
    ({"api_url": "https://mx2.example/?x"}, "is no address such as"),
    ({"api_pin": "abc"}, "64 hexadecimal digits"),
    ({"api_ca": "garbage"}, "a certificate in PEM"),
    ({"api_ca": "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----"}, "cannot be read"),
    ({"api_ca": "/etc/passwd"}, "cannot be read"),
    ({"api_ca": "/dev/null"}, "cannot be read"),
    ({"api_allow": "300.0.0.1"}, "is not an IP address"),
    ({"api_user": "a:b", "api_password": "x"}, "cannot hold a colon"),
    ({"api_user": "a"}, "needs a password"),
    ({"controller_url": "ftp://x"}, "is no address of a controller"),
]


def test_what_cannot_be_is_said_and_what_was_typed_stays(admin: FlaskClient) -> None:
    known = token(admin, "/nodes/new")
    for fields, says in WRONG:
        answer = admin.post("/nodes/2", data={"csrf_token": known, "user": "", "allow": "192.0.2.77", **fields})
        page = html.unescape(answer.get_data(as_text=True))
        assert (answer.status_code, says in page, 'value="192.0.2.77"' in page) == (400, True, True), fields


def test_programs_are_told_how_each_is(two: tuple[Flask, Flask]) -> None:
    reach(two[1], f"http://127.0.0.1:{free_port()}")
    auditor, chief = login(two[0], "watch", "Auditor"), login(two[0], "chief", "Domain admin")
    answer = auditor.get("/api/v1/nodes")
    told = {node["name"]: node for node in answer.get_json()["result"]}
    assert [(name, node["state"]) for name, node in told.items()] == [("mx1", "here"), ("mx2", "away")]
    assert told["mx2"]["why"] == "mx2 does not answer: Connection refused."
    with served(two[1]):
        assert auditor.get("/api/v1/nodes").get_json()["result"][1]["state"] == "answers"
    assert "secret" not in answer.get_data(as_text=True)
    assert chief.get("/api/v1/nodes").status_code == 403
