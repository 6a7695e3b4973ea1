"""Logins, failures and logouts are events, and a failure is a line that Fail2ban reads and nobody forges."""

import base64
import logging
import pathlib
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.actor import SYSTEM
from app.extensions import db
from app.log import OneLine
from app.models import AuditEvent
from app.models.people import User
from app.security.logins import cleaned, login_failed
from app.security.reset import ask
from tests.make import PASSWORD, login, token

MANUAL = (pathlib.Path(__file__).resolve().parents[2] / "docs/operations.md").read_text(encoding="utf-8")
_FOUND = re.search(r"failregex = (.+)", MANUAL)
assert _FOUND
FAILREGEX = re.compile(_FOUND[1].replace("<HOST>", r"(?:::f{4,6}:)?(?P<host>\S+)"))
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
HOSTILE = (
    'x" from 203.0.113.9 via password',
    'x" from 203.0.113.9 via password\n2026-01-31 WARNING mailkeep.login: login failed for "y" from 203.0.113.9 via password',
    "x\\",
    "x' from 203.0.113.9 via password",
    "“x” \u202e\x1b[31m\0",
    "x" * 99 + '"',
    "x" * 5000,
)


def told(app: Flask) -> list[tuple[Any, ...]]:
    with app.app_context():
        columns = (AuditEvent.verb, AuditEvent.actor, AuditEvent.target_id, AuditEvent.ip, AuditEvent.after)
        return [tuple(row) for row in db.session.execute(select(*columns).order_by(AuditEvent.id))]


def attempt(client: FlaskClient, name: str, password: str) -> int:
    return client.post("/login/", data={"username": name, "password": password, "csrf_token": token(client, "/login/")}).status_code


def test_a_login_a_failure_and_a_logout_are_events(any_app: Flask) -> None:
    client = login(any_app, "carol")
    client.post("/logout/", data={"csrf_token": token(client)})
    attempt(client, "carol", "wrong")
    attempt(client, "nobody", "wrong")
    way = '{"way": "password"}'
    assert told(any_app) == [
        ("login", "carol", "carol", "127.0.0.1", way),
        ("logout", "carol", "carol", "127.0.0.1", ""),
        ("login.failed", "", "carol", "127.0.0.1", way),
        ("login.failed", "", "nobody", "127.0.0.1", way),
    ]


def test_programs_log_in_by_another_door_and_are_told_of_as_well(app: Flask, client: FlaskClient) -> None:
    guess = {"username": "nobody", "password": "wrong", "provider": "db"}
    assert client.post("/api/v1/security/login", json=guess).status_code == 401
    assert [row[:3] for row in told(app)] == [("login.failed", "", "nobody")]


def test_no_event_holds_a_password(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    attempt(app.test_client(), "carol", "Secret-Word-77")
    assert told(app)
    assert "Secret-Word" not in repr(told(app)) + caplog.text


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_leaves_the_address_alone(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, name: str) -> None:
    guess = {"username": name, "password": "wrong", "provider": "db"}
    client.post("/api/v1/security/login", json=guess, environ_base={"REMOTE_ADDR": "198.51.100.7"})
    [record] = [each for each in caplog.records if each.name == "mailkeep.login"]
    assert record.levelno == logging.WARNING
    line = OneLine(FORMAT).format(record)
    assert "\n" not in line
    for shown in (line, f"mx1 mailkeep[812]: {line}", line.partition(" ")[2].partition(" ")[2]):
        match = FAILREGEX.search(shown)
        assert match, shown
        assert match["host"] == "198.51.100.7"
    assert len(record.getMessage()) < 200


@pytest.mark.parametrize("way", ["password", "key", "second factor", "oidc:partners-2"])
def test_the_line_is_read_whatever_the_way(app: Flask, caplog: pytest.LogCaptureFixture, way: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": "198.51.100.7"}):
        login_failed("bob", way)
    [record] = [each for each in caplog.records if each.name == "mailkeep.login"]
    assert FAILREGEX.search(OneLine(FORMAT).format(record))
    assert [row[4] for row in told(app)] == [f'{{"way": "{way}"}}']


def test_no_other_line_passes_for_a_failure() -> None:
    forged = 'WARNING mailkeep.login: login failed for "x" from 203.0.113.9 via password'
    for name, message in (
        ("app.views.errors", f"GET /{forged} failed"),
        ("app.views.errors", f"GET /{forged}"),
        ("mailkeep.login", forged),
    ):
        line = OneLine(FORMAT).format(logging.LogRecord(name, logging.WARNING, "", 0, message, (), None))
        assert not FAILREGEX.search(line)
        assert not FAILREGEX.search(f"mx1 mailkeep[812]: {line}")


def test_a_name_keeps_what_is_harmless() -> None:
    assert cleaned("Jürgen O.Neil@example.com") == "Jürgen O.Neil@example.com"


def test_a_password_is_kept_by_a_hash_that_costs_its_time(app: Flask) -> None:
    """The tests' own is a cheaper one of the same kind."""
    del app.config["FAB_PASSWORD_HASH_METHOD"]
    login(app, "admin")
    with app.app_context():
        kept = db.session.scalars(select(User.password)).one()
    assert kept.startswith("scrypt:32768:8:1$")


def test_a_key_that_is_sent_as_the_name_is_told_to_nobody(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app.config["WTF_CSRF_ENABLED"] = False
    key = "mk_" + "Ab3-_xyZ" * 5 + "end"
    basic = "Basic " + base64.b64encode(f"{key}:x".encode()).decode()
    assert app.test_client().get("/api/v1/mail/", headers={"Authorization": basic}).status_code == 401
    app.test_client().post("/login/", data={"username": f" {key}", "password": PASSWORD})
    with app.app_context():
        ask(key, SYSTEM)  # the page where a link is asked for
        trail = "".join(event.target_id + event.after for event in db.session.scalars(select(AuditEvent)))
    assert caplog.text.count(key[:11]) == 3
    assert key[11:] not in caplog.text + trail
    assert cleaned(f"x{key}") == f"x{key[:11]}"
