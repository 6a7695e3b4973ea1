"""The page of a mail teaches Rspamd and has the mail scanned again, for whom that is; nobody learns there who else looks after it."""

import html
import json
import pathlib
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import MailRescan
from app.queries.learning import rescans_of
from app.rspamd.lessons import Lesson
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.lessons import lessons, node_with, taught, text_of
from tests.make import login, token
from tests.releases import BOB, CAROL, stored
from tests.services.test_learning import fake, url_of  # noqa: F401 - a fixture
from tests.views.test_releases import domain_admin

SYMBOLS = ({"name": "GONE_NOW", "score": 4.0}, {"name": "A", "score": 1.0})


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, fake: ThreadingHTTPServer) -> Iterator[Flask]:  # noqa: F811
    app = make_app(sqlite_copies.make(tmp_path), tmp_path)
    node_with(app, url_of(fake))
    yield app
    close(app)


def shown(client: FlaskClient, mail_id: int) -> str:
    return html.unescape(client.get(f"/mails/show/{mail_id}").get_data(as_text=True))


def press(client: FlaskClient, mail_id: int, what: str, **more: str) -> Any:
    return client.post(f"/mails/{mail_id}/{what}", data={"csrf_token": token(client), **more})


def test_each_teaches_what_is_theirs(app: Flask, fake: ThreadingHTTPServer) -> None:  # noqa: F811
    mail_id = stored(app, BOB, "dora@example.org", raw=text_of(1), symbols=SYMBOLS)
    admin, chief, other = login(app, "root"), domain_admin(app, "chief", "example.com"), domain_admin(app, "other", "example.net")
    auditor, bob = login(app, "auditor", "Auditor"), login(app, "bob", "Recipient")
    buttons = [f"/mails/{mail_id}/{what}" for what in ("learn/spam", "learn/ham", "learn/fuzzy-add", "learn/fuzzy-delete", "rescan")]
    assert [[f'action="{each}"' in shown(client, mail_id) for each in buttons] for client in (admin, chief, auditor, bob)] == [
        [True] * 5,
        [True, True, False, False, True],
        [False] * 5,
        [False] * 5,
    ]
    assert press(other, mail_id, "learn/spam").status_code == 404
    assert [press(client, mail_id, what).status_code for client in (auditor, bob) for what in ("learn/spam", "rescan")] == [403] * 4
    assert press(chief, mail_id, "learn/fuzzy-add").status_code == 302  # refused on the next page
    assert press(admin, mail_id, "learn/nonsense").status_code == 404
    assert (fake.asked, lessons(app, mail_id)) == ([], [])  # type: ignore[attr-defined]
    press(chief, mail_id, "learn/spam")
    press(admin, mail_id, "learn/fuzzy-add")
    assert lessons(app, mail_id) == [("spam", "done"), ("fuzzy-add", "done")]
    again = press(admin, mail_id, "learn/spam").get_data(as_text=True)
    assert 'name="sure" value="yes"' in again
    press(admin, mail_id, "learn/spam", sure="yes")
    assert lessons(app, mail_id)[-1] == ("spam", "done")


def test_by_name_only_who_sees_all_is_told_who_taught(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL, raw=text_of(1))
    taught(app, mail_id, Lesson.SPAM)  # by admin
    for name, role, sees in (("root", "Admin", True), ("auditor", "Auditor", True), ("bob", "Recipient", False)):
        page = shown(login(app, name, role), mail_id)
        part = page[page.index('id="learning"') :].partition("</section>")[0]
        assert ("learned" in part, "<bdi>admin</bdi>" in part, CAROL in part) == (True, sees, False)


def test_a_rescan_is_shown_beside_what_was_said(app: Flask) -> None:
    mail_id = stored(app, BOB, raw=text_of(1), symbols=SYMBOLS, score=5.0)
    admin, bob = login(app, "root"), login(app, "bob", "Recipient")
    press(admin, mail_id, "rescan", node="mx1")
    press(admin, mail_id, "rescan", node="nowhere")
    with app.app_context():
        (row,) = rescans_of(mail_id)
        assert (row.node, row.action, row.asked_by) == ("mx1", "reject", "root")
        db.session.query(MailRescan).update({"symbols": json.dumps([{"name": "<b>NEW", "score": 6.0}, {"name": "A", "score": 1.0}])})
        db.session.commit()
    piece = admin.get(f"/mails/{mail_id}/rescans", headers={"X-Fragment": "1"}).get_data(as_text=True)
    places = [piece.index(f"<code>{name}</code>") for name in ("&lt;b&gt;NEW", "GONE_NOW", "A")]
    assert places == sorted(places), "what moved the score most comes first"
    assert bob.get(f"/mails/{mail_id}/rescans").status_code == 403


def test_without_a_controller_or_a_copy_nothing_is_offered(app: Flask) -> None:
    mail_id, admin = stored(app, BOB, raw=text_of(1)), login(app, "root")
    assert "/learn/spam" in shown(admin, mail_id)
    node_with(app, "", None)
    assert 'id="learning"' not in shown(admin, mail_id)


def test_on_the_command_line(app: Flask, fake: ThreadingHTTPServer) -> None:  # noqa: F811
    mail_id = str(stored(app, BOB, raw=text_of(1), symbols=SYMBOLS, score=5.0, queue_id="4ABC"))

    def run(*words: str) -> tuple[int, str]:
        told = app.test_cli_runner().invoke(args=["mail", *words])
        return told.exit_code, told.output

    assert run("learn", "spam", "4ABC") == (0, "mx1: spam: done.\n")
    assert run("learn", "spam", mail_id) == (1, "Error: Rspamd was taught this mail so already.\n")
    assert "\ntaught:     spam done " in run("show", "4ABC")[1]
    assert run("learn", "spam", mail_id, "--again")[0] == 0
    assert run("rescan", mail_id) == (0, "mx1: reject (5) -> reject (3.5)\ngone   GONE_NOW  4 -> -\n")
    assert run("rescan", mail_id, "--node", "nowhere") == (1, "Error: There is no node nowhere.\n")
    node_with(app, url_of(fake, "broken"))
    assert run("learn", "ham", mail_id) == (1, "mx1: ham: failed. 500 Internal Server Error\nError: Rspamd has not learned it.\n")
