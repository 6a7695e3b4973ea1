"""The words of letters on their screen and by command: changed, tried, restored, refused where they are wrong."""

import json
import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent, NoticeText, Verb
from tests.apps import close, make_app
from tests.cli.test_nodes import run
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.servers.relay import Relay

DIGEST = "/notices/words/digest/en"
WORDS = {
    "subject": "Mine: {{count}}",
    "text": "Mine, {{address}}\n{{#mails}}\n{{subject}}\n{{/mails}}\n",
    "html": "<p>Mine, {{address}}</p>",
}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, SMTP_URL=relay.url, MAIL_FROM="keep@example.com", SMTP_TIMEOUT=2.0)
    yield app
    close(app)


def post(client: FlaskClient, path: str, **fields: str) -> tuple[int, str]:
    fields["csrf_token"] = token(client, DIGEST)
    answer = client.post(path, data=fields, follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True)


def kept(app: Flask) -> list[tuple[str, str, str, str]]:
    with app.app_context():
        return [
            tuple(row)
            for row in db.session.execute(select(NoticeText.kind, NoticeText.language, NoticeText.subject, NoticeText.changed_by))
        ]


def test_an_admin_changes_the_words_and_restores_them(app: Flask) -> None:
    client = login(app, "root")
    assert "as it comes" in client.get("/notices/words/").get_data(as_text=True)
    assert "{{#mails}}" in client.get(DIGEST).get_data(as_text=True)
    assert post(client, DIGEST, **WORDS)[0] == 200
    assert kept(app) == [("digest", "en", "Mine: {{count}}", "root")]
    assert "Mine, {{address}}" in client.get(DIGEST).get_data(as_text=True)
    assert "your own" in client.get("/notices/words/").get_data(as_text=True)
    post(client, f"{DIGEST}/restore")
    assert kept(app) == []
    with app.app_context():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == Verb.NOTICE_WORDS).order_by(AuditEvent.id)).all()
        assert [(event.target_id, event.actor) for event in events] == [("digest.en", "root")] * 2
        assert json.loads(events[0].after)["subject"] == json.loads(events[1].before)["subject"] == "Mine: {{count}}"


@pytest.mark.parametrize(
    ("part", "typed", "said"),
    [
        ("text", "a\n{{password}}", "Text, line 2: there is no such name here: {{password}}."),
        ("html", "<p>\n<script>alert(1)</script>", "HTML, line 2: &lt;script&gt; does not belong into a letter."),
        ("subject", "{{#one}}", "Subject, line 1: {{#one}} is not closed."),
        ("subject", "x" * 301, "it is too long."),
        ("html", "x" * 70_000, "it is too long."),
        ("html", " \n", "none of them can be empty"),
        ("text", "a\0b", "a character that nobody sees"),
        ("html", "<p>{{#mails}}" + "{{subject}}" * 1000 + "{{/mails}}</p>", "longer than mail programs take"),
        ("text", "{{#mails}}" + "{{subject}}" * 1000 + "{{/mails}}", "longer than mail programs take"),
        ("html", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "is neither a name in braces"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_words_are_refused_with_a_sentence_and_stay_in_the_form(app: Flask, part: str, typed: str, said: str) -> None:
    client = login(app, "root")
    status, page = post(client, DIGEST, **WORDS | {part: typed})
    assert (status, said in page) == (400, True)
    assert "Mine, {{address}}" in page
    assert kept(app) == []


def test_the_preview_is_a_document_that_can_do_nothing(app: Flask) -> None:
    client = login(app, "root")
    answer = client.get(f"{DIGEST}/preview")
    policy = answer.headers["Content-Security-Policy"]
    assert ("sandbox" in policy, "default-src 'none'" in policy, "script-src" in policy) == (True, True, False)
    page = answer.get_data(as_text=True)
    assert ("Mailbox full" in page, "A virus was found in it" in page, "And 7 more." in page) == (True, True, True)
    assert "<p>Mine, root@example.com</p>" in post(client, f"{DIGEST}/preview", **WORDS)[1]
    assert "<pre>Mine, root@example.com" in post(client, f"{DIGEST}/preview", form="text", **WORDS)[1]
    page = post(client, f"{DIGEST}/preview", **WORDS | {"html": "<img src=x onerror=alert(1)>"})[1]
    assert ("<img" in page, "&lt;img" in page) == (False, True)
    assert kept(app) == []


def test_a_test_goes_to_who_asks_and_says_what_the_relay_said(app: Flask, relay: Relay) -> None:
    client = login(app, "root")
    status, page = post(client, f"{DIGEST}/test", **WORDS)
    assert (status, "kept as number 7" in page) == (200, True)
    assert [envelope.rcpt_tos for envelope in relay.envelopes] == [["root@example.com"]]
    assert relay.messages[0]["Subject"] == "[Mailkeep] Mine: 13"
    relay.refuse.add("root@example.com")
    assert "no such user here" in post(client, f"{DIGEST}/test", **WORDS)[1]
    app.config["SMTP_URL"] = ""
    assert "no relay" in post(client, f"{DIGEST}/test", **WORDS)[1]
    assert len(relay.envelopes) == 1


@pytest.mark.parametrize(
    "path", ["/notices/words/digest/xx", "/notices/words/at%20once/en", "/notices/words/x/en", "/notices/words/digest/../en"]
)
def test_there_are_no_other_letters(app: Flask, path: str) -> None:
    client = login(app, "root")
    assert client.get(path).status_code == 404


def test_by_command(app: Flask, runner: FlaskCliRunner, relay: Relay, tmp_path: pathlib.Path) -> None:
    assert "As it comes." in run(runner, "notices", "words", "show", "digest", "de")
    (tmp_path / "mine.txt").write_text("Meine {{count}}\n")
    (tmp_path / "wrong.txt").write_text("{{nothing}}\n")
    run(runner, "notices", "words", "set", "digest", "de", "--text", str(tmp_path / "mine.txt"))
    assert run(runner, "notices", "words", "show", "digest", "de", "--part", "text") == "Meine {{count}}\n"
    assert "no such name" in run(runner, "notices", "words", "set", "digest", "de", "--text", str(tmp_path / "wrong.txt"), fails=True)
    assert "There is no such letter" in run(runner, "notices", "words", "show", "digest", "xx", fails=True)
    assert "kept as number 7" in run(runner, "notices", "test", "bob@example.com", "--language", "de")
    assert relay.messages[0].get_body(("plain",)).get_content().strip() == "Meine 13"  # type: ignore[union-attr]
    run(runner, "notices", "words", "reset", "digest", "de")
    assert "As it comes." in run(runner, "notices", "words", "show", "digest", "de")
