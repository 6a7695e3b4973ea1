"""The screens of API keys: one's own, and those of whom somebody looks after."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AccessKey, AuditEvent, UserDomain
from app.services.people import user_named
from tests.make import login, make_user, token

API = "/api/v1/mail/"


def make(client: FlaskClient, name: str = "backup", role: str = "Recipient", lasts: str = "30") -> tuple[str, str]:
    """The key, where there is one, and the page."""
    sent = {"name": name, "role": role, "lasts": lasts, "csrf_token": token(client, "/keys/")}
    answer = client.post("/keys/", data=sent)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    page = answer.get_data(as_text=True)
    return (re.findall(r'value="(mk_[\w-]{43})"', page) or [""])[0], page


def number(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(AccessKey.id)).one()


def works(app: Flask, key: str) -> bool:
    return app.test_client().get(API, headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_the_example_leads_to_where_the_settings_say(app: Flask) -> None:
    alice = login(app, "alice", role="Recipient")
    app.config["PUBLIC_URL"] = "https://mail.example.com"
    assert "https://mail.example.com/api/v1/mail/?size=5" in make(alice)[1]


def test_a_key_is_shown_once_used_and_revoked(app: Flask) -> None:
    alice = login(app, "alice", role="Recipient")
    assert "You have no keys." in alice.get("/keys/").get_data(as_text=True)
    key, _page = make(alice, "<b>cron</b>")
    assert works(app, key)
    page = alice.get("/keys/").get_data(as_text=True)
    assert key not in page
    for shown in (key[:11], "&lt;b&gt;cron&lt;/b&gt;", "127.0.0.1", "Recipient"):
        assert shown in page
    assert alice.post("/keys/revoke", data={"key": number(app), "csrf_token": token(alice)}).status_code == 302
    assert not works(app, key)
    assert key[:11] not in alice.get("/keys/").get_data(as_text=True)
    with app.app_context():
        told = [(event.verb, event.actor, event.before + event.after) for event in db.session.scalars(select(AuditEvent))]
    assert [(verb, actor) for verb, actor, _ in told if "key." in verb or verb.endswith("key")] == [
        ("account.key", "alice"),
        ("account.key.revoked", "alice"),
    ]
    assert not any(key in values for _, _, values in told)


@pytest.mark.parametrize(
    ("name", "role", "lasts", "said"),
    [
        ("", "Recipient", "30", "A key needs a name"),
        ("x" * 101, "Recipient", "30", "A key needs a name"),
        ("a\x07", "Recipient", "30", "A key needs a name"),
        ("cron", "Admin", "30", "no more than its owner"),
        ("cron", "Recipient", "31", "Choose how long"),
        ("cron", "Recipient", "", "Choose how long"),
    ],
)
def test_what_does_not_fit_is_told(app: Flask, name: str, role: str, lasts: str, said: str) -> None:
    key, page = make(login(app, "alice", role="Recipient"), name, role, lasts)
    assert key == ""
    assert said in page


def test_an_account_has_so_many_keys_and_no_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.access_keys.MOST_KEYS", 2)
    alice = login(app, "alice", role="Recipient")
    assert [bool(make(alice)[0]) for _ in range(3)] == [True, True, False]


def test_nobody_revokes_what_is_somebody_elses_but_who_looks_after_them(app: Flask) -> None:
    carol = login(app, "carol", role="Recipient")
    key, _page = make(carol)
    root, bob, chief = login(app, "root"), login(app, "bob", role="Recipient"), login(app, "chief", role="Domain admin")
    make_user(app, "far", role="Domain admin")
    with app.app_context():
        db.session.add(UserDomain(user_id=user_named("chief").id, domain="example.com", created_at=user_named("chief").created_on))
        person, admin = user_named("carol").id, user_named("root").id
        db.session.commit()
    sent = {"key": number(app)}
    bob.post("/keys/revoke", data=sent | {"csrf_token": token(bob)})
    root.post("/keys/revoke", data=sent | {"csrf_token": token(root)})
    assert bob.post(f"/people/{person}/keys", data=sent | {"csrf_token": token(bob)}).status_code == 403
    assert chief.post(f"/people/{admin}/keys", data=sent | {"csrf_token": token(chief)}).status_code == 404
    assert works(app, key)
    assert key[:11] in chief.get(f"/people/{person}").get_data(as_text=True)
    assert key not in root.get(f"/people/{person}").get_data(as_text=True)
    for nonsense in ("x", "", "99999999999999999999", "-1"):
        assert chief.post(f"/people/{person}/keys", data={"key": nonsense, "csrf_token": token(chief)}).status_code == 302
    assert works(app, key)
    assert chief.post(f"/people/{person}/keys", data=sent | {"csrf_token": token(chief)}).status_code == 302
    assert not works(app, key)


def test_the_command_lists_and_revokes(app: Flask) -> None:
    key, _page = make(login(app, "alice", role="Recipient"), lasts="never")

    def run(*words: str) -> str:
        return app.test_cli_runner().invoke(args=["users", "keys", "alice", *words]).output

    assert re.fullmatch(rf"{number(app)}  {key[:11]}…  backup  Recipient  made [\d: -]+  does not end  never used\n", run())
    works(app, key)
    assert "from 127.0.0.1" in run()
    assert run("--revoke", str(number(app))).endswith("is revoked.\n")
    assert not works(app, key)
    assert "There is no such key any more." in run("--revoke", "1")
    assert run() == "alice has no keys.\n"


def test_the_description_of_the_api_tells_the_three_ways(app: Flask) -> None:
    told = login(app, "alice", role="Recipient").get("/api/v1/_openapi").json
    assert told["paths"]["/api/v1/mail/"]["get"]["security"] == [{"jwt": []}, {"api_key": []}, {"basic": []}]
    schemes = told["components"]["securitySchemes"]
    assert {name: schemes[name]["scheme"] for name in ("jwt", "api_key", "basic")} == {
        "jwt": "bearer",
        "api_key": "bearer",
        "basic": "basic",
    }
