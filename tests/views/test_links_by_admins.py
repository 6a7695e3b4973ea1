"""Links that an admin sends: an invitation in place of a password, a new password without telling one; and the commands for both."""

import pathlib
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent, Verb
from app.models.people import User, UserDomain
from app.services import letters
from app.services.background import Background
from environment import ConfigError
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, make_user, token
from tests.servers.relay import PASSWORD, USER, Relay
from tests.servers.slapd import Authority

MAILS = {"MAIL_FROM": "keep@example.com", "PUBLIC_URL": "http://localhost", "SMTP_TIMEOUT": 2.0}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, SMTP_URL=relay.url, **MAILS)
    yield app
    close(app)


def link_in(text: str) -> str:
    found = re.search(r"http://localhost(/password/choose\?link=\S+)", text)
    assert found, text
    return found[1]


def choose(app: Flask, link: str) -> int:
    client = app.test_client()
    fields = {"csrf_token": token(client, link), "link": link.partition("link=")[2], "new": "Another-Horse-77", "again": "Another-Horse-77"}
    return client.post("/password/choose", data=fields).status_code


def new_person(**more: str) -> dict[str, object]:
    return {"username": "new", "email": "new@example.com", "roles": ["Recipient"]} | more


def test_an_invitation_in_place_of_a_password(app: Flask, relay: Relay) -> None:
    admin = login(app, "admin")
    assert "send them a link" in admin.get("/people/new").get_data(as_text=True)
    fields = new_person(csrf_token=token(admin), invite="1")
    page = admin.post("/people/new", data=fields, follow_redirects=True).get_data(as_text=True)
    assert "on its way to new@example.com" in page
    assert "shown this once" not in page
    mail = relay.messages[0]
    assert (mail["To"], mail["Subject"]) == ("new@example.com", "Mailkeep: your account")
    assert choose(app, link_in(mail.get_content())) == 302


def test_what_is_typed_or_cannot_be_mailed_is_as_before(app: Flask, relay: Relay) -> None:
    admin = login(app, "admin")
    admin.post("/people/new", data=new_person(csrf_token=token(admin), invite="1", password="Correct-Horse-99"))
    app.config["PUBLIC_URL"] = ""
    assert "send them a link" not in admin.get("/people/new").get_data(as_text=True)
    fields = new_person(csrf_token=token(admin), invite="1", username="other", email="other@example.com")
    assert "shown this once" in admin.post("/people/new", data=fields, follow_redirects=True).get_data(as_text=True)
    assert relay.envelopes == []


def test_who_looks_after_an_account_mails_it_a_link(app: Flask, relay: Relay) -> None:
    chief = login(app, "chief", role="Domain admin")
    make_user(app, "bob", "Recipient")
    make_user(app, "ldap", "Recipient")
    with app.app_context():
        people = {user.username: user for user in db.session.scalars(select(User))}
        db.session.add(UserDomain(user_id=people["chief"].id, domain="example.com", created_at=people["chief"].created_on))
        people["ldap"].password = None
        numbers = {name: user.id for name, user in people.items()}
        db.session.commit()
    assert "Mail them a link" in chief.get(f"/people/{numbers['bob']}").get_data(as_text=True)
    assert "Mail them a link" not in chief.get(f"/people/{numbers['ldap']}").get_data(as_text=True)

    def send(name: str) -> str:
        sent = chief.post(f"/people/{numbers[name]}/link", data={"csrf_token": token(chief)}, follow_redirects=True)
        return sent.get_data(as_text=True)

    assert "on its way to bob@example.com" in send("bob")
    assert "is not kept here, so no link can change it" in send("ldap")
    relay.refuse.add("bob@example.com")
    assert "could not be sent. The relay said: 550" in send("bob")
    assert len(relay.envelopes) == 1
    assert choose(app, link_in(relay.messages[0].get_content())) == 302
    with app.app_context():
        asked = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == Verb.PASSWORD_RESET_ASKED)).all()
    assert [(each.actor, each.target_id) for each in asked] == [("chief", "bob"), ("chief", "bob")]


def test_from_the_command_line(app: Flask, relay: Relay) -> None:
    login(app, "admin")

    def run(*words: str) -> str:
        return str(app.test_cli_runner().invoke(args=words).output)

    made = run("users", "add", "bob", "bob@example.com", "--invite")
    assert "on its way to bob@example.com" in made
    assert "shown this once" not in made
    assert choose(app, link_in(relay.messages[0].get_content())) == 302
    assert choose(app, link_in(run("users", "reset-link", "bob"))) == 302
    run("users", "disable", "bob")
    assert run("users", "reset-link", "bob") == "Error: bob is switched off.\n"
    assert "exclude each other" in run("users", "add", "x", "x@example.com", "--invite", "--password-stdin")
    assert "250 2.0.0 kept as number 7" in run("mailkeep", "test-mail", "postmaster@example.com")
    assert relay.messages[1]["Subject"] == "Mailkeep: a test"
    relay.refuse.add("postmaster@example.com")
    assert "could not be sent. The relay said: 550 5.1.1" in run("mailkeep", "test-mail", "postmaster@example.com")
    assert "is no mail address" in run("mailkeep", "test-mail", "postmaster")
    app.config["PUBLIC_URL"] = ""
    assert "PUBLIC_URL" in run("users", "reset-link", "admin")
    made = run("users", "add", "eve", "eve@example.com", "--invite")
    assert made.startswith("Error: No link can be mailed")
    assert "eve@example.com" not in run("users", "list"), "an account is made that nobody can open"
    app.config["SMTP_URL"] = ""
    assert "there is no relay" in run("mailkeep", "test-mail", "postmaster@example.com")


WRONG = [
    ({"MAIL_FROM": ""}, "MAIL_FROM: is needed"),
    ({"SMTP_USER": USER}, "SMTP_PASSWORD: is needed"),
    (
        {"SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD, "SMTP_URL": "smtp://relay.example.com"},
        "SMTP_USER: would send its password in the clear",
    ),
    ({"SMTP_CA_FILE": __file__}, "SMTP_CA_FILE: .* holds no certificates"),
]


@pytest.mark.parametrize(("settings", "why"), WRONG)
def test_settings_that_cannot_work_stop_the_start(tmp_path: pathlib.Path, settings: dict[str, str], why: str) -> None:
    good = {"SMTP_URL": "smtps://relay.example.com", "MAIL_FROM": "keep@example.com"}
    with pytest.raises(ConfigError, match=why):
        make_app(f"sqlite:///{tmp_path}/x.db", tmp_path, **good | settings)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_letter_through_a_relay_with_tls_and_a_password(app: Flask) -> None:
    authority = Authority()
    with Relay(authority, tls=True, asks_password=True) as relay, app.app_context():
        app.config.update(SMTP_URL=relay.url, SMTP_USER=USER, SMTP_PASSWORD=PASSWORD, SMTP_CA_FILE=authority.file)
        letters.send_letter("test", "bob@bücher.example", "de")
    assert relay.envelopes[0].rcpt_tos == ["bob@xn--bcher-kva.example"]


def test_what_waits_is_done_in_order_and_has_an_end(app: Flask) -> None:
    waiting, done = Background(app), []
    waiting.do(lambda: 1 / 0)
    for number in range(3):
        waiting.do(lambda number=number: done.append(number))  # type: ignore[misc]
    waiting.stop()
    assert done == [0, 1, 2]
    full = Background(app)
    full._thread = waiting._thread or object()  # type: ignore[assignment]
    assert [full.do(lambda: None) for _ in range(101)] == [True] * 100 + [False]
