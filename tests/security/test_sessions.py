"""Who is logged in stays so as long as the login stands, and not a request longer: the same on each store."""

import pathlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.clock import utcnow
from app.extensions import db
from app.models import LoginSession
from app.models.people import RoleRow
from app.security.sessions import digest_of
from app.services import people
from app.services.sessions import end_all_sessions, session_store, sessions_of
from tests.apps import close, make_app
from tests.databases import KINDS
from tests.make import PASSWORD, login, make_user, token

PAGE = "/mails/list/"
NEW = "Another-Horse-77"


@pytest.fixture(params=[*KINDS, "redis"])
def panel(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on each store."""
    kind = "sqlite" if request.param == "redis" else request.param
    copies = request.getfixturevalue(f"{kind}_copies")
    settings = {}
    if request.param == "redis":
        settings["SESSION_STORE"] = request.getfixturevalue("redis_server").url
        redis.Redis.from_url(settings["SESSION_STORE"]).flushdb()
    url = copies.make(tmp_path)
    app = make_app(url, tmp_path, **settings)
    yield app
    close(app)
    copies.drop(url)


def cookie_of(client: FlaskClient) -> str:
    found = client.get_cookie("session")
    assert found
    return found.value


def thief(app: Flask, client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    other = app.test_client()
    other.set_cookie("session", cookie_of(client))
    return other


def is_in(client: FlaskClient) -> bool:
    return client.get(PAGE).status_code == 200


def again(app: Flask, name: str, password: str = PASSWORD) -> FlaskClient:
    """One more browser of somebody who has an account already."""
    client = app.test_client()
    sent = {"username": name, "password": password, "csrf_token": token(client, "/login/")}
    assert client.post("/login/", data=sent).status_code == 302
    return client


def user_id(app: Flask, name: str) -> int:
    with app.app_context():
        return people.user_named(name).id


# --- what ends a login -----------------------------------------------------------------------------------------------------


def new_password(user: Any) -> None:
    people.set_password(user, NEW)


def more_roles(user: Any) -> None:
    people.set_roles(user, ["Auditor", "Recipient"])


def switched_off(user: Any) -> None:
    people.set_active(user, False)


def in_a_group(user: Any) -> None:
    from flask_appbuilder.security.sqla.models import Group

    role = db.session.scalars(select(RoleRow).where(RoleRow.name == "Recipient")).one()
    db.session.add(Group(name="desk", label="", description="", roles=[role], users=[user]))
    db.session.commit()


def removed(user: Any) -> None:
    people.delete_user(user)


def ended_by_an_admin(user: Any) -> None:
    end_all_sessions(user.id)


ENDS = [new_password, more_roles, switched_off, in_a_group, removed, ended_by_an_admin]


@pytest.mark.parametrize("change", ENDS, ids=lambda change: change.__name__)
def test_what_a_login_stands_on_ends_it(panel: Flask, change: Callable[[Any], None]) -> None:
    login(panel, "admin")
    client = login(panel, "alice", role="Auditor")
    stolen = thief(panel, client)
    bystander = login(panel, "bob", role="Auditor")
    assert is_in(client)
    assert is_in(stolen)
    with panel.app_context():
        change(people.user_named("alice"))
    assert not is_in(client)
    assert not is_in(stolen)
    assert is_in(bystander)


def test_a_copied_cookie_is_worth_nothing_after_the_logout(panel: Flask) -> None:
    client = login(panel, "admin")
    stolen = thief(panel, client)
    assert is_in(stolen)
    assert client.post("/logout/", data={"csrf_token": token(client)}).status_code == 302
    assert not is_in(client)
    assert not is_in(stolen)


def test_whoever_changes_their_password_stays_in_under_a_new_id_and_nobody_else(panel: Flask) -> None:
    client = login(panel, "carol", role="Recipient")
    elsewhere, stolen, before = again(panel, "carol"), thief(panel, client), cookie_of(client)
    sent = {"password": NEW, "conf_password": NEW, "csrf_token": token(client)}
    assert client.post("/resetmypassword/form", data=sent).status_code == 302
    assert is_in(client)
    assert cookie_of(client) != before
    assert not is_in(elsewhere)
    assert not is_in(stolen)


def test_a_login_has_a_new_id_and_a_new_token(panel: Flask) -> None:
    make_user(panel, "admin")
    client = panel.test_client()
    planted, value = token(client, "/login/"), cookie_of(client)
    sent = {"username": "admin", "password": PASSWORD, "csrf_token": planted}
    client.post("/login/", data=sent)
    assert cookie_of(client) != value
    answer = client.post("/logout/", data={"csrf_token": planted})
    assert answer.status_code == 302
    assert is_in(client), "a token from before the login has done something after it"


@pytest.mark.parametrize("planted", ["A" * 43, "", "nonsense", "eyJfdXNlcl9pZCI6IjEifQ.aaaa.bbbb", "A" * 4000])
def test_an_id_that_somebody_made_up_is_not_taken(panel: Flask, planted: str) -> None:
    make_user(panel, "admin")
    client = panel.test_client()
    client.set_cookie("session", planted)
    assert not is_in(client)
    sent = {"username": "admin", "password": PASSWORD, "csrf_token": token(client, "/login/")}
    client.post("/login/", data=sent)
    assert is_in(client)
    assert cookie_of(client) != planted


def test_a_login_ends_when_nobody_is_there_and_at_last_in_any_case(panel: Flask) -> None:
    begin = utcnow()
    with time_machine.travel(begin, tick=False) as clock:
        client = login(panel, "admin")
        idle = thief(panel, login(panel, "alice"))
        for _ in range(23):
            clock.shift(timedelta(hours=1))
            assert is_in(client)
        assert not is_in(idle)
        clock.shift(timedelta(minutes=59))
        assert is_in(client)
        clock.shift(timedelta(minutes=1))
        assert not is_in(client)


def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(panel: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client = login(panel, "admin")
        for _ in range(5):
            clock.shift(timedelta(minutes=59))
            client.get(PAGE, headers={"X-Background": "1"})
        assert not is_in(client)


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


def written(app: Flask, act: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return seen


def test_reading_writes_nothing_but_once_a_minute_who_was_seen(any_app: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client = login(any_app, "admin")
        is_in(client)
        pages = [PAGE, "/users/list/", "/users/userinfo/", "/quarantine/", "/sessions/", "/roles/list/", "/nowhere", "/back", "/login/"]
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
    close(app)


def test_a_store_has_only_what_it_was_given(panel: Flask) -> None:
    with panel.app_context():
        store = session_store()
        assert store.load(digest_of("nobody")) is None
        assert store.list_of(99) == []
        store.save(digest_of("nobody"), dict)
        store.delete(digest_of("nobody"))
        assert store.load(digest_of("nobody")) is None
