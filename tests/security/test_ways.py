"""One form for all ways: the same answer and the same work for a wrong name and a wrong password."""

import re
from typing import Any

import pytest
import werkzeug.security
from flask import Flask
from sqlalchemy import event

from app.errors import Unavailable
from app.extensions import db
from app.security import ways
from app.security.ways import Identity, ldap_servers, local
from app.services import logins
from app.services.people import find_user
from tests.apps import CHEAP_HASH
from tests.make import PASSWORD, make_user
from tests.security.conftest import Maker, is_in, typed
from tests.servers.slapd import Slapd


def work_of(app: Flask, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements and hashes of a failed login, in order."""
    done: list[str] = []

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        done.append(text)

    def hashed(pwhash: str, password: str) -> bool:
        done.append(pwhash.split("$")[0])
        return werkzeug.security.check_password_hash(pwhash, password)

    monkeypatch.setattr(local, "check_password_hash", hashed)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", statement)
        engine = db.engine
    _, answer = typed(app, name, "guess-1")
    event.remove(engine, "before_cursor_execute", statement)
    assert (answer.status_code, answer.location) == (302, "/login/?next=/")
    return done


def test_a_wrong_name_costs_what_a_wrong_password_costs(
    app_asking: Maker, slapd: Slapd, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_asking(slapd.url)
    make_user(app, "local")
    typed(app, "alice", "Directory-Horse-1")
    asked: list[str] = []
    binds = ldap_servers._binds
    monkeypatch.setattr(ldap_servers, "_binds", lambda *given: asked.append("bind") or binds(*given))
    work = {name: work_of(app, name, monkeypatch) for name in ("local", "alice", "nobody")}
    assert work["local"] == work["alice"] == work["nobody"]
    assert work["nobody"].count(CHEAP_HASH) == 1
    assert asked == ["bind"] * 3


def test_the_answer_is_the_same_page(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_user(app, "alice")
    pages = []
    for name in ("alice", "nobody"):
        client, answer = typed(app, name, "guess-1")
        assert (answer.status_code, answer.location) == (302, "/login/?next=/")
        pages.append(re.sub(r'(?<=name="csrf_token" value=")[^"]*', "", client.get("/login/").get_data(as_text=True)))
    assert pages[0] == pages[1]
    assert "Invalid login" in pages[0]


def test_a_failure_is_counted_at_the_account_and_nowhere_else(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    for name in ("first", "alice"):
        make_user(app, name)
    for name in ("alice", "nobody", "ALICE"):
        typed(app, name, "guess-1")
    with app.app_context():
        counts = {user.username: user.fail_login_count for user in app.extensions["appbuilder"].sm.get_all_users()}
    assert counts["alice"] == 2
    assert not counts["first"]
    typed(app, "alice", PASSWORD)
    with app.app_context():
        user = find_user("alice")
        assert user
        assert (user.fail_login_count, user.login_count) == (0, 1)


def test_the_log_has_one_line_for_each_failure(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    typed(app, "eve\nlogin failed: 'bob' from 192.0.2.1", "guess-1")
    [line] = [record.getMessage() for record in caplog.records if record.name == "mailkeep.login"]
    assert line == 'login failed for "eve_login failed: _bob_ from 192.0.2.1" from 127.0.0.1 via password'


def test_one_way_that_is_away_blocks_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["WTF_CSRF_ENABLED"] = False

    class Away:
        @staticmethod
        def check(_username: str, _password: str) -> None:
            raise Unavailable("away")

    make_user(app, "alice")
    monkeypatch.setattr(ways, "WAYS", (Away, local))
    assert is_in(typed(app, "alice", PASSWORD)[0])
    assert typed(app, "nobody", PASSWORD)[1].status_code == 503


def test_the_next_page_is_kept(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_user(app, "alice")
    sent = {"username": "alice", "password": PASSWORD}
    client = app.test_client()
    assert client.post("/login/?next=/mails/list/?q=1", data={**sent, "password": "guess-1"}).location.endswith("next=/mails/list/?q%3D1")
    assert client.post("/login/?next=/mails/list/", data=sent).location == "/mails/list/"
    assert app.test_client().post("/login/?next=https://evil.example/", data=sent).location == "/"


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "ALICE"])
def test_a_local_account_answers_to_its_name_and_its_address(app: Flask, name: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_user(app, "alice")
    assert is_in(typed(app, name, PASSWORD)[0])


@pytest.mark.parametrize("stored", [None, "", "!", "scrypt:32768:8:1$"])
def test_no_password_matches_none(app: Flask, slept: list[float], stored: str | None) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_user(app, "alice")
    with app.app_context():
        user = find_user("alice")
        assert user
        user.password = stored
        db.session.commit()
    for password in ("password", "None", "!"):
        assert not is_in(typed(app, "alice", password)[0])


def test_accounts_of_identities_on_each_database(any_app: Flask) -> None:
    who = Identity("ldap", "uid=zoe,dc=example", "zoe", "zoe@example.com", ("z1@example.com", "z2@example.com"), "Zoe", "Zett", frozenset())
    with any_app.app_context():
        first = logins.account_of(who).id
        assert logins.account_of(who).id == first
        user = logins.user_by_id(first)
        assert user
        assert [role.name for role in user.roles] == ["Recipient"]
        assert logins.count_failure("zoe") is not None
        assert logins.count_failure("nobody") is None
        db.session.refresh(user)
        assert user.fail_login_count == 1
        db.session.delete(user)
        db.session.commit()
        assert logins.account_of(who).id is not None


def test_the_first_login_twice_at_once_makes_one_account(any_app: Flask) -> None:
    import threading

    who = Identity("ldap", "uid=zoe,dc=example", "zoe", "zoe@example.com", ("z1@example.com",), "Zoe", "Zett")
    found: list[int] = []

    def come() -> None:
        with any_app.test_request_context(method="POST"):
            found.append(logins.account_of(who).id)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
