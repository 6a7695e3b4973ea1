"""Programs at the REST API: keys and passwords in the Authorization header, without a session and without a way for a page to use them."""

import base64
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from sqlalchemy import func, select

from app.clock import utcnow
from app.extensions import db
from app.models import AccessKey, AuditEvent, LoginSession, Verb
from app.security import programs
from app.services import access_keys, passwords, people
from app.services.people import user_named
from app.views.mail_api import MailApi
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import PASSWORD, login, make_mails, make_user, token

API = "/api/v1/mail/"
ADMIN = people.Actor("test", None, "")


def make_key(app: Flask, owner: str, role: str = "Admin", days: int | None = None) -> str:
    with app.app_context():
        return access_keys.make_key(user_named(owner), "backup", role, days, actor=ADMIN)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def status(app: Flask, headers: dict[str, str], path: str = API, client: FlaskClient | None = None) -> int:
    return (client or app.test_client()).get(path, headers=headers).status_code


def events(app: Flask, verb: Verb) -> list[str]:
    with app.app_context():
        return [event.after for event in db.session.scalars(select(AuditEvent).where(AuditEvent.verb == verb).order_by(AuditEvent.id))]


@pytest.fixture
def key(app: Flask) -> str:
    make_user(app, "alice")
    make_user(app, "other")
    return make_key(app, "alice")


# --- in ---------------------------------------------------------------------------------------------------------------------------


def test_a_key_lets_in_by_either_scheme_and_leaves_no_session(app: Flask, key: str) -> None:
    for headers in (bearer(key), basic("alice", key), basic("ALICE@example.com", key), {"Authorization": f"bearer  {key} "}):
        answer = app.test_client().get(API, headers=headers)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert events(app, Verb.LOGIN) == ['{"key": "backup", "way": "key"}'], "one event a day, not one a request"
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 0
        row = db.session.scalars(select(AccessKey)).one()
        assert (row.last_ip, row.prefix) == ("127.0.0.1", key[:11])
        assert key not in repr([getattr(row, column.name) for column in AccessKey.__table__.columns])


def test_the_use_is_written_once_a_minute_and_told_once_a_day(app: Flask, key: str) -> None:
    now = utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
    uses = []
    for after in (timedelta(), timedelta(seconds=59), timedelta(seconds=60), timedelta(days=1)):
        with time_machine.travel(now + after, tick=False):
            assert status(app, bearer(key)) == 200
        with app.app_context():
            uses.append(db.session.scalars(select(AccessKey.last_used_at)).one())
    assert [use - uses[0] for use in uses] == [timedelta(), timedelta(), timedelta(seconds=60), timedelta(days=1)]
    assert len(events(app, Verb.LOGIN)) == 2


def test_two_first_uses_at_once_are_one_event_on_each_database(any_app: Flask) -> None:
    make_user(any_app, "alice")
    key, found, together = make_key(any_app, "alice"), [], threading.Barrier(4)

    def come() -> None:
        together.wait()
        found.append(status(any_app, bearer(key)))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 4
    assert len(events(any_app, Verb.LOGIN)) == 1
    with any_app.app_context():
        row = db.session.scalars(select(AccessKey)).one()
        assert (row.last_ip, row.expires_at) == ("127.0.0.1", None)
        access_keys.revoke_key(user_named("alice"), row.id, actor=ADMIN)
    assert status(any_app, bearer(key)) == 401


def test_a_name_and_password_let_in_and_are_not_hashed_for_each_request(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_user(app, "alice")
    asked: list[str] = []
    proven = programs.proven
    monkeypatch.setattr(programs, "proven", lambda *given: asked.append(given[0]) or proven(*given))
    for _ in range(3):
        answer = app.test_client().get(API, headers=basic("alice", PASSWORD))
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert asked == ["alice"]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 0
        passwords.set_password(user_named("alice"), "Another-Horse-77", actor=ADMIN)
    assert status(app, basic("alice", PASSWORD)) == 401
    assert status(app, basic("alice", "Another-Horse-77")) == 200
    with app.app_context():
        people.make_person(people.Reach(everybody=True), people.Person("root", "", "", "r@example.com", ("Admin",)), PASSWORD, actor=ADMIN)
        people.set_active(user_named("alice"), False, actor=ADMIN)
    assert status(app, basic("alice", "Another-Horse-77")) == 401


def test_an_account_with_more_than_a_password_needs_a_key(app: Flask, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(app, basic("alice", PASSWORD)) == 200
    monkeypatch.setattr(programs, "may_use_password_alone", lambda _user: False)
    right, wrong = (app.test_client().get(API, headers=basic("alice", secret)) for secret in (PASSWORD, "wrong-Horse-11"))
    assert (right.status_code, right.json) == (wrong.status_code, wrong.json) == (401, wrong.json), "it tells nobody that it was right"
    assert status(app, basic("alice", key)) == 200


# --- out --------------------------------------------------------------------------------------------------------------------------


def switched_off() -> None:
    people.set_active(user_named("alice"), False, actor=ADMIN)


def removed() -> None:
    people.delete_user(user_named("alice"), actor=ADMIN)


def role_taken() -> None:
    people.set_roles(user_named("alice"), ["Recipient"], actor=ADMIN)


def revoked() -> None:
    user = user_named("alice")
    access_keys.revoke_key(user, db.session.scalars(select(AccessKey.id)).one(), actor=ADMIN)


@pytest.mark.parametrize("end", [switched_off, removed, role_taken, revoked], ids=lambda end: end.__name__)
def test_a_key_ends_at_once_with(app: Flask, key: str, end: Any) -> None:
    assert status(app, bearer(key)) == 200
    with app.app_context():
        end()
    assert status(app, bearer(key)) == status(app, basic("alice", key)) == 401
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(AccessKey)) == (end not in (removed, revoked))


def test_a_key_outlives_a_new_password_and_ends_on_its_day(app: Flask, key: str) -> None:
    short = make_key(app, "alice", days=30)
    with app.app_context():
        passwords.set_password(user_named("alice"), "Another-Horse-77", actor=ADMIN)
    assert status(app, bearer(key)) == status(app, bearer(short)) == 200
    with time_machine.travel(utcnow() + timedelta(days=30, seconds=1)):
        assert (status(app, bearer(key)), status(app, bearer(short))) == (200, 401)


def garbage(key: str) -> list[dict[str, str]]:
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    said = ["Basic", "Basic ", "Basic =", "Basic é", "Basic " + "A" * (1 << 20), "Bearer", "Bearer mk_", f"Bearer {key}x", "Bearer mk_\xff"]
    pairs = [
        basic("", key),
        basic("other", key),
        basic("alice", changed),
        basic("alice", ""),
        basic("a\0b", key),
        basic("é", "mk_ü"),
        basic("alice", f"{key}\n"),
    ]
    return (
        [{"Authorization": text} for text in said]
        + pairs
        + [bearer(changed), {"Authorization": "Basic " + base64.b64encode(b"alice:\xff").decode()}]
    )


def test_what_is_no_key_is_refused_plainly(app: Flask, key: str, slept: list[float]) -> None:
    for headers in garbage(key):
        answer = app.test_client().get(API, headers=headers)
        assert answer.status_code in (401, 429), headers["Authorization"][:60]
        assert "WWW-Authenticate" not in answer.headers, "a browser would ask, and then send it along with any request"
        assert set(answer.json or {}) <= {"message", "msg"}
    assert status(app, bearer(key)) == 200


def test_a_wrong_key_waits_and_is_told_like_a_wrong_password(
    app: Flask,
    key: str,
    slept: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = key[:-2] + ("AA" if key[-2:] != "AA" else "BB")
    for _ in range(4):
        assert status(app, bearer(wrong)) == 401
    assert slept == [0.5]
    assert status(app, basic("alice", wrong)) == status(app, bearer("mk_my-password-pasted-here")) == 401
    assert status(app, bearer(key)) == 200
    assert len(slept) == 3, "the right one waits for nothing"
    lines = [record.getMessage() for record in caplog.records if record.name == "mailkeep.login"]
    names = [line.split('"')[1] for line in lines]
    assert names == [wrong[:11]] * 4 + ["alice", "mk_"]
    assert lines[0] == f'login failed for "{wrong[:11]}" from 127.0.0.1 via key'
    assert len(events(app, Verb.LOGIN_FAILED)) == 6


def test_tries_count_against_the_limit_and_healthy_requests_do_not(sqlite_copies: SqliteCopies, tmp_path: Any, slept: list[float]) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, RATELIMIT_ENABLED=True, LOGIN_RATE="3 per minute")
    make_user(app, "alice")
    key = make_key(app, "alice")
    assert [status(app, bearer(key)) for _ in range(5)] == [200] * 5
    assert [status(app, basic("alice", PASSWORD)) for _ in range(5)] == [200] * 5
    assert [status(app, bearer("mk_wrong")) for _ in range(4)] == [401, 401, 429, 429]
    assert status(app, bearer(key)) == status(app, basic("alice", PASSWORD)) == 200
    close(app)


# --- never for a browser ----------------------------------------------------------------------------------------------------------


def test_beside_a_cookie_the_cookie_decides(app: Flask, key: str) -> None:
    carl = login(app, "carl", role="Nothing")
    make_mails(app, 1)
    assert carl.get(API, headers=bearer(key)).json["result"] == []
    assert app.test_client().get(API, headers=bearer(key)).json["result"] != []
    for headers in (bearer(key), basic("alice", key)):
        stale = app.test_client()
        stale.set_cookie("session", "stale")
        assert status(app, headers, client=stale) == 401


@pytest.mark.parametrize("path", ["/mails/list/", "/profile/", "/keys/", "/people/", "/", "/api/v1/security/refresh", "/mails/export"])
def test_they_count_at_the_api_only(app: Flask, key: str, path: str) -> None:
    for headers in (bearer(key), basic("alice", key), basic("alice", PASSWORD)):
        ask = app.test_client().post if "security" in path else app.test_client().get
        answer = ask(path, headers=headers)
        assert answer.status_code == 401 or "/login/" in answer.location


def test_a_program_needs_no_token_and_a_page_always_does(app: Flask, key: str) -> None:
    """There is no door of the API yet that changes something: one is put in."""
    done: list[str] = []

    class Door(MailApi):
        resource_name = "door"
        class_permission_name = "MailApi"
        include_route_methods = {"get_list", "change"}

        @expose("/change", methods=["POST"])
        @protect()
        @permission_name("get_list")
        def change(self) -> Any:
            done.append("changed")
            return self.response(200)

    app._got_first_request = False
    with app.app_context():
        app.extensions["appbuilder"].add_api(Door)
    path, browser = "/api/v1/door/change", login(app, "bob")
    forged = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}]
    for headers in (bearer(key), basic("alice", key), basic("alice", PASSWORD)):
        assert app.test_client().post(path, headers=headers).status_code == 200
        for marks in forged:
            assert app.test_client().post(path, headers=headers | marks).status_code == 400
        assert browser.post(path, headers=headers).status_code == 400, "the session decides, and it has no token"
    assert app.test_client().post(path).status_code == 400
    assert done == ["changed"] * 3
    assert browser.post(path, headers={"X-CSRFToken": token(browser)}).status_code == 200
