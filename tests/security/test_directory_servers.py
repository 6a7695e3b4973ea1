"""The servers of a directory: whose certificates count, which one is asked, and what happens while none answers."""

import pathlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.security.ways.ldap_servers import Servers, _named, normal
from environment import ConfigError
from tests.make import PASSWORD as LOCAL_PASSWORD
from tests.make import make_user
from tests.security.conftest import Maker, is_in, typed
from tests.servers.slapd import PASSWORD, Authority, Slapd

WRONG = "guess-1"


class Silent:
    """Accepts and says nothing; with `greeting`, what it answers to the first question."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.socket, self.greeting = socket.create_server(("127.0.0.1", 0)), greeting
        self.asked = 0
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.socket.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.asked += 1
            self.open.append(connection)
            if self.greeting:
                connection.recv(1000)
                connection.sendall(self.greeting)

    def close(self) -> None:
        for connection in (self.socket, *self.open):
            connection.close()


YES_TO_START_TLS = bytes.fromhex("300c02010178070a010004000400")


@pytest.fixture(params=["ldap", "ldaps", "in the middle of StartTLS"])
def silent(request: pytest.FixtureRequest) -> Iterator[tuple[Silent, str]]:
    server = Silent(YES_TO_START_TLS if " " in request.param else b"")
    yield server, server.url(request.param.split(" ")[0] if " " not in request.param else "ldap")
    server.close()


@pytest.mark.parametrize("kind", ["url", "tls_url"])
def test_a_certificate_by_somebody_else_is_refused(app_asking: Maker, slapd: Slapd, kind: str, tmp_path: pathlib.Path) -> None:
    app = app_asking(getattr(slapd, kind), LDAP_CA_FILE=Authority().file)
    _, answer = typed(app, "alice", PASSWORD)
    assert answer.status_code == 503
    app = app_asking(getattr(slapd, kind), LDAP_CA_FILE="")  # the system's authorities did not sign it either
    assert typed(app, "alice", PASSWORD)[1].status_code == 503


def test_a_certificate_for_another_name_is_refused(app_asking: Maker) -> None:
    authority = Authority("DNS:other.example")
    with Slapd(authority) as server:
        app = app_asking(server.tls_url, LDAP_CA_FILE=authority.file)
        assert typed(app, "alice", PASSWORD)[1].status_code == 503
        assert is_in(typed(app_asking(server.url, LDAP_START_TLS=False), "alice", PASSWORD)[0])


def test_one_connection_s_authority_is_not_another_s(app_asking: Maker, slapd: Slapd) -> None:
    right, wrong = app_asking(slapd.tls_url), app_asking(slapd.tls_url, LDAP_CA_FILE=Authority().file)
    for _ in range(2):
        assert is_in(typed(right, "alice", PASSWORD)[0])
        assert typed(wrong, "alice", PASSWORD)[1].status_code == 503


def test_a_server_that_wants_tls_gets_it_by_default(app_asking: Maker, authority: Authority) -> None:
    with Slapd(authority, strength=128) as server:
        assert is_in(typed(app_asking(server.url), "alice", PASSWORD)[0])
        assert not is_in(typed(app_asking(server.url, LDAP_START_TLS=False), "alice", PASSWORD)[0])


def test_the_second_takes_over_when_the_first_is_killed_and_gives_back(app_asking: Maker, slapd: Slapd, authority: Authority) -> None:
    with Slapd(authority) as first:
        app = app_asking(first.url, slapd.url)
        servers: Servers = app.extensions["mailkeep_directory"]
        assert is_in(typed(app, "alice", PASSWORD)[0])
        first.kill()
        assert is_in(typed(app, "alice", PASSWORD)[0])
        assert servers._rests(first.url)
        assert is_in(typed(app, "bob", PASSWORD)[0])
        first.start()
        servers._resting.clear()
        assert is_in(typed(app, "carol", PASSWORD)[0])
        assert not servers._told


def test_a_silent_server_is_passed_over_and_not_asked_again_while_it_hangs(
    app_asking: Maker, slapd: Slapd, silent: tuple[Silent, str]
) -> None:
    server, url = silent
    app = app_asking(url, slapd.url, LDAP_TIMEOUT=0.3)
    for name in ("alice", "bob", "carol"):
        assert is_in(typed(app, name, PASSWORD)[0])
    assert server.asked == 1


def test_while_no_server_answers_local_accounts_log_in_and_others_are_told(
    app_asking: Maker, silent: tuple[Silent, str], caplog: pytest.LogCaptureFixture
) -> None:
    app = app_asking(silent[1], "ldap://127.0.0.1:1", LDAP_TIMEOUT=0.3)
    make_user(app, "root")
    assert is_in(typed(app, "root", LOCAL_PASSWORD)[0])
    told = {}
    for name in ("alice", "root"):  # who has an account here must not show from the answer
        _, answer = typed(app, name, WRONG)
        assert answer.status_code == 503
        told[name] = answer.get_data(as_text=True).replace(f'value="{name}"', "")
        told[name] = re.sub(r'(?<=name="csrf_token" value=")[^"]*', "", told[name])
        assert "does not answer just now" in told[name]
    assert told["alice"] == told["root"]
    sent = {"username": "alice", "password": PASSWORD, "provider": "db"}
    answer = app.test_client().post("/api/v1/security/login", json=sent)
    assert answer.status_code == 503
    assert "does not answer" in answer.get_json()["message"]
    assert len([record for record in caplog.records if record.name.endswith("ldap_servers")]) == 2  # one for each server


def test_a_reader_with_a_wrong_password_is_told_in_the_log(app_asking: Maker, slapd: Slapd, caplog: pytest.LogCaptureFixture) -> None:
    app = app_asking(slapd.url, LDAP_BIND_PASSWORD=WRONG)
    assert typed(app, "alice", PASSWORD)[1].status_code == 503
    assert "INVALID_CREDENTIALS" in caplog.text
    assert WRONG not in caplog.text


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"LDAP_BASE_DN": ""}, "LDAP_BASE_DN"),
        ({"LDAP_BIND_PASSWORD": ""}, "LDAP_BIND_PASSWORD"),
        ({"REMOTE_USER_HEADER": "X-Remote-User"}, "REMOTE_USER_FROM"),
    ],
)
def test_half_a_setting_stops_the_start(app_asking: Maker, settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"mailkeep: {name}: is needed with"):
        app_asking("ldap://127.0.0.1:1", **settings)


def test_without_python_ldap_a_directory_stops_the_start_with_one_line(app_asking: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "app.security.ways.ldap_servers")
    monkeypatch.setitem(__import__("sys").modules, "ldap", None)
    with pytest.raises(ConfigError, match="mailkeep: LDAP_SERVERS: needs python-ldap"):
        app_asking("ldap://127.0.0.1:1")


@pytest.mark.parametrize(
    "dn",
    ["cn=Müller\\, J,ou=it+l=x,dc=org", "CN=müller\\2C J, L=x+OU=it , DC=ORG", "cn=m\\C3\\BCller\\, j,l=X+ou=IT,dc=org"],
)
def test_a_dn_has_one_spelling(dn: str) -> None:
    assert normal(dn) == "cn=müller\\, j,l=x+ou=it,dc=org"


def test_what_is_no_dn_is_a_name() -> None:
    assert normal(" Admins ") == "admins"


def test_an_entry_has_one_name_however_it_is_found(app_asking: Maker, slapd: Slapd) -> None:
    servers: Servers = app_asking(slapd.url).extensions["mailkeep_directory"]
    for name in ("jm*ller", "back\\slash", "größe"):
        found = servers.proven(name, PASSWORD)
        assert found
        assert found == servers.found(name)
        assert normal(found[0]) == found[0]


def test_a_dn_too_long_for_a_column_has_a_short_name() -> None:
    name, *_ = _named(("cn=" + "x" * 600, {}, frozenset())) or ("",)
    assert len(name) == 71
    assert name != (_named(("cn=" + "x" * 601, {}, frozenset())) or ("",))[0]
