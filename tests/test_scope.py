"""No door shows anybody the mail of somebody else: every route the app has is walked, with that mail's id wherever it takes one."""

import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.queries.mail import recipients_of
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, make_mails, make_user

MARK = "xyzzy-belongs-to-bob"
FIELDS = {
    "subject": MARK,
    "mail_from": f"{MARK}@example.net",
    "header_from": f"{MARK} <{MARK}@example.net>",
    "queue_id": MARK,
    "message_id": f"{MARK}@example.net",
    "headers": f"X-Mark: {MARK}",
    "user": MARK,
    "symbols": ({"name": "MARK", "score": 1.0, "options": [MARK]},),
}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """Without CSRF tokens: their refusal would hide a door that has no other guard."""
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, WTF_CSRF_ENABLED=False)
    yield app
    close(app)


def doors(app: Flask) -> list[tuple[Rule, str]]:
    return [(rule, method) for rule in app.url_map.iter_rules() for method in ("GET", "POST") if method in (rule.methods or ())]


def leaks(app: Flask, client: FlaskClient, mail_id: int) -> list[str]:
    """Paths whose answer holds something of that mail, or tells that it is there."""
    found = []
    missing = mail_id + 1
    for rule, method in doors(app):
        if rule.endpoint.endswith("static") or rule.endpoint == "LoginView.logout":
            continue
        answers = []
        for number in (mail_id, missing):
            values = {name: "list" if name == "name" else str(number) for name in rule.arguments}
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
            answers.append(client.open(path, method=method))
        texts = [answer.get_data(as_text=True) for answer in answers]
        there, not_there = answers
        told = rule.arguments and there.status_code != not_there.status_code
        if MARK in texts[0] or told or there.status_code >= 500:
            found.append(f"{method} {rule.rule}: {there.status_code}")
    return found


def test_no_route_shows_somebody_elses_mail(app: Flask) -> None:
    [mail_id] = make_mails(app, 1, recipients=("bob@example.com",), keep=True, **FIELDS)
    make_user(app, "admin")
    assert leaks(app, login(app, "carol", role="Recipient"), mail_id) == []


def test_even_with_every_permission_there_is(app: Flask) -> None:
    """The scope is the role Admin, not the permissions: whoever may open every screen still sees their own mail only."""
    [mail_id] = make_mails(app, 1, recipients=("bob@example.com",), keep=True, **FIELDS)
    make_user(app, "admin")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        role = sm.add_role("Everything")
        for permission in sm.find_role("Admin").permissions:
            sm.add_permission_role(role, permission)
    assert leaks(app, login(app, "carol", role="Everything"), mail_id) == []


def test_the_walk_would_see_a_leak(app: Flask) -> None:
    [mail_id] = make_mails(app, 1, recipients=("bob@example.com",), **FIELDS)
    admin = login(app, "admin")
    assert [path for path in leaks(app, admin, mail_id) if "/mails/show/" in path]
    assert [path for path in leaks(app, admin, mail_id) if "/api/v1/mail/" in path]


@pytest.mark.parametrize(
    "query", ["rcpt.is=bob@example.com", "rcpt.contains=bob", "rcpt.starts=bob", "rcpt_domain.is=example.org", "q=bob@example.com"]
)
def test_no_search_tells_a_recipient_of_another_one(app: Flask, query: str) -> None:
    """A Bcc is nobody else's business, and a filter that finds would tell of it."""
    make_mails(app, 1, recipients=("carol@example.com", "bob@example.com", "x@example.org"))
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    assert carol.get(f"/api/v1/mail/?{query}").get_json()["result"] == []
    assert carol.get(f"/api/v1/mail/statistics?{query}").status_code in (200, 403)
    text = carol.get("/mails/list/").get_data(as_text=True)
    assert "carol@example.com" in text
    assert "bob@example.com" not in text
    for path in ("/mails/export", "/mails/export?format=json", "/api/v1/mail/"):
        assert "bob@example.com" not in carol.get(path).get_data(as_text=True)


def test_of_the_other_recipients_only_those_that_the_message_names_are_shown(app: Flask) -> None:
    headers = 'To: "Carol" <carol@example.com>, Team: dave@example.com;\nCc: (x) Erin <ERIN@example.com>\nSubject: bob@example.com'
    people = tuple(f"{name}@example.com" for name in ("bob", "carol", "dave", "erin"))
    [mail_id] = make_mails(app, 1, recipients=people, headers=headers)
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    shown = carol.get(f"/api/v1/mail/{mail_id}").get_json()["result"]
    assert shown["recipients"] == ["carol@example.com", "dave@example.com", "erin@example.com"]
    assert (shown["first_rcpt"], shown["rcpt_count"]) == ("carol@example.com", 3)
    with app.app_context():
        admin = app.extensions["appbuilder"].sm.find_user("admin")
        assert [recipient.address for recipient in recipients_of(mail_id, admin)] == list(people)
