"""No door shows anybody the mail of somebody else: what every route answers is the same with that mail and without it."""

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.extensions import db
from app.ids import id_time
from app.models import LoginSession, Mail, MailDetail, MailRecipient
from app.queries.mail import recipients_of
from app.security.sessions import digest_of
from app.services.insert import insert_entries
from app.storage import store_for
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, make_entry, make_mails, make_user

# What doors refuse, these walks would wait for as who guesses does.
pytestmark = pytest.mark.usefixtures("slept")


MARK = "xyzzy-belongs-to-bob"
RAW = (
    f"From: <{MARK}@example.net>\r\nSubject: {MARK}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    f"Content-Type: text/html\r\n\r\n<p>{MARK}</p>\r\n--b\r\n"
    f'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="{MARK}.txt"\r\n\r\n{MARK}\r\n--b--\r\n'
).encode()
FIELDS: dict[str, Any] = {
    "subject": MARK,
    "mail_from": f"{MARK}@example.net",
    "header_from": f"{MARK} <{MARK}@example.net>",
    "queue_id": MARK,
    "message_id": f"{MARK}@example.net",
    "headers": f"X-Mark: {MARK}",
    "user": MARK,
    "symbols": ({"name": "MARK", "score": 1.0, "options": [MARK]},),
}
# Files of the panel, and sums over all mail for METRICS_ALLOW; what logs out is the end of the walk.
A_NEW_SECRET_EACH_TIME = "SecondFactorView.show"
NOT_WALKED = {
    "static",
    "appbuilder.static",
    "metrics.counters",
    "health.readyz",
    "LoginView.logout",
    "ActingView.begin",
    "SessionView.list",
}
# Tokens, and the second in the name of an export.
PASSING = re.compile(r'(?<=name="csrf_token" value=")[^"]*|(?<=filename=mails-)[\d-]+|(?<=filename=statistics-)[\d-]+')
PASSING_HEADERS = {"Date", "Set-Cookie", "Content-Length", "Expires"}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """Without CSRF tokens: their refusal would hide a door that has no other guard."""
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, WTF_CSRF_ENABLED=False)
    yield app
    close(app)


def mail_of_bob(app: Flask) -> int:
    """With its copy in the store."""
    entry = make_entry(RAW, recipients=("bob@example.com",), keep=True, **FIELDS)
    with app.app_context():
        store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def remove(app: Flask, mail_id: int) -> None:
    with app.app_context():
        db.session.execute(delete(MailRecipient).where(MailRecipient.mail_id == mail_id))
        db.session.execute(delete(MailDetail).where(MailDetail.mail_id == mail_id))
        db.session.execute(delete(Mail).where(Mail.id == mail_id))
        db.session.commit()


def doors(app: Flask) -> list[tuple[Rule, str]]:
    """Every method of every route."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in NOT_WALKED | {A_NEW_SECRET_EACH_TIME}]
    return [(rule, method) for rule in rules for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]


def ways_to_ask(method: str, path: str, mail_id: int) -> dict[str, dict[str, Any]]:
    """The mail's id wherever a route could take one from."""
    ids = {name: str(mail_id) for name in ("pk", "id", "mail_id", "rowid")}
    ways: dict[str, dict[str, Any]] = {"plain": {}, "ids in the query": {"query_string": ids}}
    if method == "GET":
        ways["older"] = {"query_string": {"before": str(mail_id + 1)}}
        ways["newer"] = {"query_string": {"after": str(mail_id - 1)}}
    elif path.startswith("/api/"):
        ways["json"] = {"json": ids | {"ids": [mail_id]}}
    else:
        ways["form"] = {"data": ids | {"action": "delete"}}
    return ways


def told(answer: TestResponse) -> tuple[Any, ...]:
    headers = sorted((name, PASSING.sub("", value)) for name, value in answer.headers if name not in PASSING_HEADERS)
    return answer.status_code, headers, PASSING.sub("", answer.get_data().decode("utf-8", "replace"))


def answers(app: Flask, client: FlaskClient, *mail_ids: int) -> dict[str, tuple[Any, ...]]:
    """Of every door, by what was asked; each is asked with the session of the beginning, so that no answer changes a later one."""
    cookie = client.get_cookie("session")
    assert cookie
    kept = LoginSession.digest == digest_of(cookie.value)
    with app.app_context():
        data = db.session.scalars(select(LoginSession.data).where(kept)).one()
    adapter = app.url_map.bind("localhost")
    found = {}
    for rule, method in doors(app):
        known = {
            "name": "list",
            "index": "1",
            "day": id_time(mail_ids[0]).date().isoformat(),
            "version": "v1",
            "act": "release",
            "lesson": "spam",
        }
        for mail_id in mail_ids if rule.arguments else mail_ids[:1]:
            path = adapter.build(rule.endpoint, {name: known.get(name, str(mail_id)) for name in rule.arguments}, method=method)
            for way, parts in ways_to_ask(method, path, mail_ids[0]).items():
                client.set_cookie("session", cookie.value)
                with app.app_context():
                    db.session.execute(update(LoginSession).where(kept).values(data=data))
                    db.session.commit()
                answer = told(client.open(path, method=method, **parts))
                found[f"{method} {rule.rule} {mail_id} {way}"] = answer
                if answer[0] == 403:  # for want of a right: nothing of what is asked is looked at
                    break
    return found


def leaks(app: Flask, client: FlaskClient, own: int) -> list[str]:
    """What is answered in another way while there is a mail of Bob's; `own` is a mail that has much in common with it."""
    bobs = mail_of_bob(app)
    with_it = answers(app, client, bobs, own)
    remove(app, bobs)
    without_it = answers(app, client, bobs, own)
    return [asked for asked, answer in with_it.items() if answer != without_it[asked] or answer[0] >= 500]


def own_mail(app: Flask, recipient: str) -> int:
    """From the same sender, with the same subject and message id, and stored on the same day."""
    [mail_id] = make_mails(app, 1, recipients=(recipient,), keep=True, **FIELDS)
    return mail_id


@pytest.mark.long
def test_no_route_tells_of_somebody_elses_mail(app: Flask) -> None:
    """Of a recipient, to whom most doors are shut; all are open in the walk below."""
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    assert leaks(app, carol, own_mail(app, "carol@example.com")) == []


def test_even_with_every_permission_there_is(app: Flask) -> None:
    """The scope is the role Admin, not the permissions: whoever may open every screen still sees their own mail only."""
    make_user(app, "admin")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        role = sm.add_role("Everything")
        for permission in sm.find_role("Admin").permissions:
            sm.add_permission_role(role, permission)
    assert leaks(app, login(app, "carol", role="Everything"), own_mail(app, "carol@example.com")) == []


@pytest.mark.long
def test_the_walk_would_see_a_leak(app: Flask) -> None:
    """An admin is told of it by every route that shows mails: their rows, their sums, their days, their copies."""
    seen = {asked.split(" ")[1] for asked in leaks(app, login(app, "admin"), own_mail(app, "admin@example.com"))}
    shown = {rule.rule for rule, _ in doors(app) if rule.rule.startswith(("/mails/", "/quarantine/", "/api/v1/mail/", "/requests/ask/"))}
    redirects = {"/mails/find", "/quarantine/<day>"}
    shown -= {rule for rule in shown if rule.startswith(("/api/v1/mail/bulk", "/api/v1/mail/requests"))}  # of acts and requests
    trail = {"/audit/", "/audit/export", "/people/"}  # tell of the walk itself
    trail |= {"/notices/domains/", "/api/v1/notices/domains", "/api/v1/notices/domains/<domain>"}  # it has set a rule
    assert seen - trail == shown - redirects


def test_a_stranger_counts_nothing(app: Flask) -> None:
    mail_of_bob(app)
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    nothing = {"count": 0, "actions": {}, "first": None, "last": None, "stored": 0, "notified": 0, "released": 0, "virus": 0}
    for query in ("", "rcpt.is=bob@example.com", f"subject.is={MARK}", "stored.is=yes"):
        assert carol.get(f"/api/v1/mail/statistics?{query}").get_json()["result"] == nothing


@pytest.mark.parametrize(
    "query", ["rcpt.is=bob@example.com", "rcpt.contains=bob", "rcpt.starts=bob", "rcpt_domain.is=example.org", "q=bob@example.com"]
)
def test_no_search_tells_a_recipient_of_another_one(app: Flask, query: str) -> None:
    """A Bcc is nobody else's business, and a filter that finds would tell of it."""
    make_mails(app, 1, recipients=("carol@example.com", "bob@example.com", "x@example.org"))
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    assert carol.get(f"/api/v1/mail/?{query}").get_json()["result"] == []
    assert carol.get(f"/api/v1/mail/statistics?{query}").get_json()["result"]["count"] == 0
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
