"""What is kept of a session, what is written when, and what its cookie is."""

import pathlib
from datetime import timedelta
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import LoginSession
from app.security.sessions import digest_of
from app.services.sessions import session_store, sessions_of
from tests.apps import close, make_app
from tests.make import PASSWORD, login, make_user, token
from tests.security.browsers import PAGE, again, cookie_of, is_in, user_id, written

# --- what is kept ----------------------------------------------------------------------------------------------------------


def test_the_store_holds_no_id_that_logs_in(app: Flask) -> None:
    client = login(app, "admin")
    with app.app_context():
        row = db.session.scalars(select(LoginSession)).one()
        assert row.digest == digest_of(cookie_of(client))
        assert cookie_of(client) not in row.data
        assert row.digest not in row.data
        client.set_cookie("session", row.digest)
    assert not is_in(client)


def test_reading_writes_nothing_but_once_a_minute_who_was_seen(any_app: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client = login(any_app, "admin")
        is_in(client)
        pages = [PAGE, "/people/", "/profile/", "/quarantine/", "/sessions/", "/roles/list/", "/nowhere", "/back", "/login/"]
        assert written(any_app, lambda: [client.get(page) for page in pages]) == []
        clock.shift(timedelta(seconds=61))
        assert len(written(any_app, lambda: [client.get(page) for page in pages])) == 1


def test_a_visitor_makes_no_row(any_app: Flask) -> None:
    make_user(any_app, "admin")
    robot = any_app.test_client()
    sent = {"username": "admin", "password": "wrong", "csrf_token": token(robot, "/login/")}
    assert written(any_app, lambda: [robot.get(path) for path in ("/", PAGE, "/login/", "/nowhere", "/sessions/")]) == []
    robot.post("/login/", data=sent)
    assert "Invalid login" in robot.get("/login/").get_data(as_text=True)
    with any_app.app_context():
        assert db.session.scalars(select(LoginSession)).all() == []


def test_two_tabs_at_once_lose_no_message_and_no_token(panel: Flask) -> None:
    client = login(panel, "admin")
    value = cookie_of(client)
    before = token(client)
    with panel.test_request_context(headers={"Cookie": f"session={value}"}) as one:
        one.session.setdefault("_flashes", []).append(("info", "of one"))
        one.session["only_one"] = 1
        with panel.test_request_context(headers={"Cookie": f"session={value}"}) as other:
            other.session.setdefault("_flashes", []).append(("info", "of the other"))
            other.session["only_other"] = 2
            panel.session_interface.save_session(panel, other.session, panel.response_class())
        panel.session_interface.save_session(panel, one.session, panel.response_class())
    with panel.test_request_context(headers={"Cookie": f"session={value}"}) as after:
        assert (after.session["only_one"], after.session["only_other"]) == (1, 2)
    page = client.get(PAGE).get_data(as_text=True)
    assert "of one" in page
    assert "of the other" in page
    assert "of one" not in client.get(PAGE).get_data(as_text=True)
    assert client.post("/lang/", data={"language": "de", "csrf_token": before}).status_code == 302
    assert "Posteingang" not in page
    assert client.get_cookie("mk_language")


def test_a_request_under_way_does_not_bring_back_what_was_ended(panel: Flask) -> None:
    client = login(panel, "admin")
    value = cookie_of(client)
    with panel.test_request_context(headers={"Cookie": f"session={value}"}) as slow:
        slow.session["something"] = 1
        client.post("/logout/", data={"csrf_token": token(client)})
        panel.session_interface.save_session(panel, slow.session, panel.response_class())
    client.set_cookie("session", value)
    assert not is_in(client)


def test_what_has_ended_is_removed_by_a_later_login(panel: Flask) -> None:
    login(panel, "admin")
    number = user_id(panel, "admin")
    with time_machine.travel(utcnow() + timedelta(hours=5), tick=False):
        panel.session_interface._purged_at = -600.0  # type: ignore[attr-defined]
        again(panel, "admin")
        with panel.app_context():
            assert len(sessions_of(number)) == 1
            if panel.config["SESSION_STORE"] == "database":
                assert len(db.session.scalars(select(LoginSession)).all()) == 1


# --- the cookie ------------------------------------------------------------------------------------------------------------


def test_the_cookie_is_for_the_browser_alone_and_secure_where_the_request_was(tmp_path: pathlib.Path, sqlite_copies: Any) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, TRUSTED_PROXIES=("127.0.0.0/8",))
    make_user(app, "admin")
    for proto, is_secure in (("https", True), ("http", False)):
        client = app.test_client()
        origin = {"X-Forwarded-Proto": proto, "X-Forwarded-For": "192.0.2.1", "Referer": f"{proto}://localhost/login/"}
        base = f"{proto}://localhost"
        page = client.get("/login/", headers=origin, base_url=base)
        text = page.get_data(as_text=True)
        start = text.index('value="', text.index('name="csrf_token"')) + 7
        sent = {"username": "admin", "password": PASSWORD, "csrf_token": text[start : text.index('"', start)]}
        logged_in = client.post("/login/", data=sent, headers=origin, base_url=base)
        assert logged_in.status_code == 302
        for answer in (page, logged_in):
            [set_cookie] = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session=")]
            assert "HttpOnly" in set_cookie
            assert "SameSite=Lax" in set_cookie
            assert ("Secure" in set_cookie) is is_secure
    close(app)


# --- a store that is away --------------------------------------------------------------------------------------------------


def test_a_store_that_is_away_is_told_and_lets_nobody_in(sqlite_copies: Any, tmp_path: pathlib.Path) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, SESSION_STORE="redis://127.0.0.1:1/0")
    make_user(app, "admin")
    client = app.test_client()
    assert client.get("/login/").status_code == 200
    sent = {"username": "admin", "password": PASSWORD, "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=sent).status_code == 503
    client.set_cookie("session", "A" * 43)
    assert client.get(PAGE).status_code == 503
    assert client.get("/healthz").status_code == 200
    with client.get("/static/css/mailkeep.css") as file:
        assert file.status_code == 200
    close(app)


def test_a_store_has_only_what_it_was_given(panel: Flask) -> None:
    with panel.app_context():
        store = session_store()
        assert store.load(digest_of("nobody")) is None
        assert store.list_of(99) == []
        store.save(digest_of("nobody"), dict)
        store.delete(digest_of("nobody"))
        assert store.load(digest_of("nobody")) is None
