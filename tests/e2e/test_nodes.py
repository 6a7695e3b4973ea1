"""Three Mailkeeps as they are deployed, each with its own store, over one MariaDB; people use the first, one of the others has TLS, as the manual says."""

import http.client
import pathlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask

from app.actor import SYSTEM
from app.clock import now_ms
from app.extensions import db
from app.models import AuditEvent, Mail, Release
from app.peers.claims import claims_of, signed
from app.services.nodes import add
from app.services.peering import Api, own_secret, set_api
from app.storage import store_for
from app.storage.local import digest_of
from tests.apps import close, make_app
from tests.databases import MariaDBCopies
from tests.make import PASSWORD, make_headers, make_user
from tests.servers.gunicorn import Mailkeep
from tests.servers.nginx import Nginx
from tests.servers.process import wait_for
from tests.servers.relay import Relay
from tests.servers.slapd import Authority

NAMES = ("mx1", "mx2", "mx3")
SECURED = "mx2"


class Node(Mailkeep):
    front: Nginx | None = None
    """With TLS, as the manual shows it."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.front.port}" if self.front else f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as answer:
                return answer.status, answer.read()
        finally:
            connection.close()


@dataclass
class Site:
    nodes: dict[str, Node]
    app: Flask
    """Of the first node, for looking into the database."""
    browser: requests.Session
    relay: Relay
    authority: Authority
    """Of the certificate of the one that has TLS."""

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.nodes['mx1'].port}{path}"

    def open(self, path: str) -> requests.Response:
        return self.browser.get(self.at(path), headers={"X-Fragment": "1"}, timeout=30)

    def send(self, path: str, **fields: str) -> requests.Response:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.browser.get(self.at("/nodes/new"), timeout=30).text)
        assert token is not None
        return self.browser.post(self.at(path), data={"csrf_token": token[1], **fields}, timeout=30)

    def taken(self, name: str) -> tuple[int, bytes]:
        """A mail that this node took: its id and its bytes."""
        raw = f"From: eve@example.net\r\nSubject: taken by {name} at {now_ms()}\r\n\r\nhello\r\n".encode()
        status, line = self.nodes[name].ask("POST", f"/ingest/{name}", raw, make_headers() | {"Content-Type": "text/plain"})
        assert status == 200
        return int(line.split()[-1]), raw


@pytest.fixture(scope="module")
def site(mariadb_copies: MariaDBCopies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: pathlib.Path = tmp_path_factory.mktemp("nodes")
    driver = mariadb_copies.make(folder)
    url = driver.replace("mysql+mysqldb://", "mysql://")
    with Relay() as relay:
        more = {"SMTP_URL": relay.url, "MAIL_FROM": "keep@example.com", "UNDO_SECONDS": 0, "WORKERS": 1, "LOGIN_RATE": "1000 per minute"}
        nodes = {name: Node(url, NODE_NAME=name, **more) for name in NAMES}
        for name in NAMES[1:]:
            nodes[name].settings["ROLES"] = "ingest,jobs"
        authority, nodes[SECURED].settings["TRUSTED_PROXIES"] = Authority(), "127.0.0.1"
        nodes[SECURED].front = front = Nginx().begin_as_told("nodes.md", nodes[SECURED].port, authority.folder)
        app = make_app(driver, folder, SECRET_KEY=nodes["mx1"].settings["SECRET_KEY"])
        make_user(app, "root")
        browser = requests.Session()
        with app.app_context():
            for name, node in nodes.items():
                add(name, "rspamd", "secret", ["127.0.0.0/8"], actor=SYSTEM)
                ca = pathlib.Path(authority.file).read_text() if node.front else None
                set_api(name, Api(url=node.url, ca=ca, allow=["127.0.0.0/8"]), actor=SYSTEM)
        try:
            with ThreadPoolExecutor() as together:
                list(together.map(lambda server: server.start(), (*nodes.values(), front)))
            log_in(browser, nodes["mx1"])
            yield Site(nodes, app, browser, relay, authority)
        finally:
            for server in (*nodes.values(), front):
                server.kill()
                server.close()
            browser.close()
            close(app)


def log_in(browser: requests.Session, node: Node) -> None:
    page = browser.get(f"{node.url}/login/", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    fields = {"username": "root", "password": PASSWORD, "csrf_token": token[1]}
    assert "/mails/list/" in browser.post(f"{node.url}/login/", data=fields, timeout=30).url


def words_of(answer: requests.Response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_of_each_is_opened_downloaded_and_released(site: Site, name: str) -> None:
    mail_id, raw = site.taken(name)
    shown = site.open(f"/mails/{mail_id}/message")
    assert "hello" in shown.text, f"{words_of(shown)}\n{site.nodes[name].output()}"
    assert site.open(f"/mails/{mail_id}/download").content == raw
    site.send(f"/mails/{mail_id}/release", to="bob@example.com")

    def sent() -> Any:
        with site.app.app_context():
            return db.session.query(Release.node, Release.state).filter_by(mail_id=mail_id).all() == [(name, "sent")]

    wait_for(sent, 20, site.nodes[name].output)
    assert sum(raw in bytes(each.content or b"") for each in site.relay.envelopes) == 1
    with site.app.app_context():
        assert db.session.get_one(Mail, mail_id).copy_node == name
        fetched = db.session.query(AuditEvent.actor, AuditEvent.ip).filter_by(verb="mail.fetched", target_id=str(mail_id)).all()
        assert fetched == ([] if name == "mx1" else [("root", "127.0.0.1")])


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_deleted_where_it_is(site: Site, name: str) -> None:
    mail_id, raw = site.taken(name)
    store = store_for(site.nodes[name].settings["STORE_URL"])
    assert store.is_in_place(digest_of(raw))
    site.send(f"/mails/{mail_id}/delete", extent="copy", sure="yes")
    wait_for(lambda: not store.is_in_place(digest_of(raw)), 20, site.nodes[name].output)
    assert site.open(f"/mails/{mail_id}/message").status_code == 404
    with site.app.app_context():
        assert db.session.get_one(Mail, mail_id).copy_state == "deleted"


def test_the_screen_tells_of_all(site: Site) -> None:
    told = words_of(site.open("/nodes/states"))
    assert re.search(r"mx1 \S+ this server.*mx2 \S+ answers.*mx3 \S+ answers", told)


def test_one_that_is_stopped_is_said_at_once_and_comes_back(site: Site) -> None:
    mail_id, raw = site.taken("mx3")
    site.nodes["mx3"].stop()
    for _again in range(3):
        answer = site.open(f"/mails/{mail_id}/message")
        assert (answer.status_code, "mx3 does not answer: Connection refused." in answer.text) == (503, True)
    assert site.open("/mails/list/").status_code == 200
    site.send(f"/mails/{mail_id}/release", to="bob@example.com")
    wait_for(lambda: "mx3 does not answer; it sends the mail when it is back." in site.open(f"/mails/{mail_id}/releases").text, 10)
    site.nodes["mx3"].start()
    wait_for(lambda: any(raw in bytes(each.content or b"") for each in site.relay.envelopes), 20, site.nodes["mx3"].output)
    site.send("/nodes/3/test")
    assert "hello" in site.open(f"/mails/{mail_id}/message").text


def test_a_node_with_another_certificate_is_not_asked(site: Site) -> None:
    mail_id, _raw = site.taken(SECURED)
    own, other = site.authority, Authority()
    with site.app.app_context():
        set_api(SECURED, Api(ca=pathlib.Path(other.file).read_text()), actor=SYSTEM)
    answer = site.open(f"/mails/{mail_id}/message")
    with site.app.app_context():
        set_api(SECURED, Api(ca=pathlib.Path(own.file).read_text()), actor=SYSTEM)
    assert answer.status_code == 503
    assert "mx2 is not asked: its certificate is not trusted" in answer.text
    assert "hello" in site.open(f"/mails/{mail_id}/message").text


def test_what_was_overheard_is_worth_nothing(site: Site) -> None:
    """Sent again to the same node, or to another; its body changed, its path, its node; and an hour later."""
    mail_id, raw = site.taken("mx3")
    path, third = f"/api/node/mails/{mail_id}/raw", site.nodes["mx3"]
    now = now_ms() // 1000
    with site.app.app_context():
        secret = own_secret()
    header = {"Authorization": signed(claims_of("mx1", "mx3", now, "GET", path, b"", SYSTEM), secret)}
    old = {"Authorization": signed(claims_of("mx1", "mx3", now - 3600, "GET", path, b"", SYSTEM), secret)}
    post = signed(claims_of("mx1", "mx3", now, "POST", "/api/node/release", b'{"ids": []}', SYSTEM), secret)
    assert site.nodes["mx2"].ask("GET", path, headers=header)[0] == 403
    assert third.ask("GET", path + "?x=1", headers=header)[0] == 403
    assert third.ask("GET", path, headers=header) == (200, raw)
    assert third.ask("GET", path, headers=header)[0] == 403
    assert third.ask("GET", path, headers=old)[0] == 403
    again = {"Authorization": signed(claims_of("mx1", "mx3", now, "GET", path, b"", SYSTEM), secret)}
    with ThreadPoolExecutor(8) as together:
        answers = list(together.map(lambda _each: third.ask("GET", path, headers=again)[0], range(8)))
    assert sorted(answers) == [200] + [403] * 7, "once, however many come at the same time"
    assert third.ask("POST", "/api/node/release", b'{"ids": [7]}', {"Authorization": post})[0] == 403
    assert third.ask("POST", "/api/node/release", b'{"ids": []}', {"Authorization": post, "Content-Type": "application/json"})[0] == 202
    smuggled = {"X_Authorization": header["Authorization"], "Authorization_": header["Authorization"]}
    assert third.ask("GET", path, headers=smuggled)[0] == 403
