"""Deleting on the page and in the list, by whom it is theirs; and what happened to a mail, told to each as far as it concerns them."""

import html
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.actor import Actor
from app.extensions import db
from app.models import Deletion, Mail, Verb
from app.services.audit import recorded
from app.services.deletion import delete_due
from app.views.timeline import SENTENCES
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.releases import BOB, CAROL, asked, releasing_app, sent, states, stored
from tests.servers.relay import Relay
from tests.views.test_releases import domain_admin, shown

DORA = "dora@example.org"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    """Where what is asked for waits until somebody does it."""
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    yield app
    close(app)


def act(client: FlaskClient, mail_id: int, door: str, **fields: Any) -> Any:
    return client.post(f"/mails/{mail_id}/{door}", data={"csrf_token": token(client), **fields})


def waiting(app: Flask) -> list[tuple[int, str]]:
    with app.app_context():
        return [(row.mail_id, row.extent) for row in db.session.query(Deletion).filter_by(state="waiting")]


def row(client: FlaskClient, mail_id: int) -> str:
    page = html.unescape(client.get("/mails/list/").get_data(as_text=True))
    return page.split(f'id="m{mail_id}"')[1].split("</tr>")[0]


def doors(client: FlaskClient, mail_id: int) -> list[str]:
    return re.findall(r'formaction="/mails/\d+/([a-z-]+)"', row(client, mail_id))


def timeline(client: FlaskClient, mail_id: int) -> str:
    return html.unescape(client.get(f"/mails/{mail_id}/timeline", headers={"X-Fragment": "1"}).get_data(as_text=True))


def test_only_who_is_responsible_for_all_recipients_deletes_a_copy(app: Flask) -> None:
    near, far = stored(app, BOB, CAROL), stored(app, BOB, DORA)
    bob, chief, auditor = login(app, "bob", "Recipient"), domain_admin(app, "chief", "example.com"), login(app, "watch", "Auditor")
    assert (doors(chief, near), doors(chief, far)) == (["release-mine", "delete"], ["release-mine"])
    assert (doors(bob, near), "formaction" in row(auditor, near)) == (["release-mine"], False)
    assert "all its recipients" in shown(chief, far)
    assert DORA not in shown(chief, far)
    assert 'id="delete"' not in shown(bob, near)
    assert act(auditor, near, "delete", extent="copy").status_code == 403
    for client, mail_id in ((bob, near), (chief, far)):
        act(client, mail_id, "delete", extent="copy")
        act(client, mail_id, "delete", extent="mail", sure="yes")
    act(chief, near, "delete", extent="mail", sure="yes")
    assert waiting(app) == []
    act(chief, near, "delete", extent="copy")
    assert waiting(app) == [(near, "copy")]
    assert act(bob, near, "keep").status_code == 302
    assert waiting(app) == [(near, "copy")]


def test_a_recipient_may_where_the_site_lets_them_and_nobody_else_got_it(app: Flask) -> None:
    app.config["DELETE_COPY_ROLES"] = ["Admin", "Recipient"]
    own, shared = stored(app, BOB), stored(app, BOB, CAROL)
    bob = login(app, "bob", "Recipient")
    assert (doors(bob, own), doors(bob, shared)) == (["release-mine", "delete"], ["release-mine"])
    for mail_id in (own, shared):
        act(bob, mail_id, "delete", extent="copy")
    assert waiting(app) == [(own, "copy")]


def test_the_list_leads_back_to_the_row_and_undoes(app: Flask) -> None:
    mail_id, back = stored(app, BOB, CAROL), "/mails/list/?size=25"
    root = login(app, "root")
    answer = act(root, mail_id, "delete", extent="copy", mk_back=back)
    assert answer.location == f"{back}#m{mail_id}"
    page = root.get(back).get_data(as_text=True)
    assert f'action="/mails/{mail_id}/keep"' in page.split("mk-undo")[1].split("</form>")[0]
    assert "being deleted" in row(root, mail_id)
    assert doors(root, mail_id) == ["keep"]
    act(root, mail_id, "keep", mk_back=back)
    assert waiting(app) == []
    act(root, mail_id, "release-mine", mk_back=back)
    page = root.get(back).get_data(as_text=True)
    ids = re.findall(r'name="release" value="(\d+)"', page)
    assert len(ids) == 2
    act(root, mail_id, "undo", release=ids, mk_back=back)
    assert states(app, mail_id) == [(BOB, "cancelled"), (CAROL, "cancelled")]


def test_another_ones_release_is_not_undone_from_the_list(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    [carols] = asked(app, mail_id, CAROL)
    act(login(app, "bob", "Recipient"), mail_id, "undo", release=[str(carols), "0", "x", "9" * 30])
    assert states(app, mail_id) == [(CAROL, "waiting")]


def test_a_whole_mail_is_asked_about_and_then_gone(app: Flask) -> None:
    mail_id = stored(app)
    root = login(app, "root")
    assert "Delete this mail?" in act(root, mail_id, "delete", extent="mail").get_data(as_text=True)
    assert act(root, mail_id, "delete", extent="everything").status_code == 400
    assert waiting(app) == []
    answer = act(root, mail_id, "delete", extent="mail", sure="yes", mk_back=f"/mails/show/{mail_id}")
    assert answer.location == "/mails/list/"
    assert f"/mails/{mail_id}/keep" in shown(root, mail_id)
    with app.app_context():
        db.session.query(Deletion).update({"due_at": db.session.query(Deletion).one().asked_at})
        db.session.commit()
        assert delete_due() == 1
        assert db.session.get(Mail, mail_id) is None
    assert root.get(f"/mails/show/{mail_id}").status_code == 404


def test_without_time_to_undo_a_copy_is_asked_about_too(app: Flask) -> None:
    app.config["UNDO_SECONDS"] = 0
    mail_id = stored(app)
    assert "Delete the stored copy?" in act(login(app, "root"), mail_id, "delete", extent="copy").get_data(as_text=True)
    assert waiting(app) == []


def test_the_timeline_tells_nobody_who_else_got_the_mail(app: Flask) -> None:
    app.config["UNDO_SECONDS"] = 0
    mail_id = stored(app, BOB, CAROL, DORA)
    bob, chief, root = login(app, "bob", "Recipient"), domain_admin(app, "chief", "example.com"), login(app, "root")
    asked(app, mail_id, BOB, DORA)
    sent(app)
    with app.app_context():
        dora = Actor("dora", 99, "192.0.2.9")
        for verb in Verb:
            if verb.startswith("mail."):
                for after in (
                    {"to": [DORA], "step": "asked", "reply": f"{DORA} knows"},
                    {"address": DORA},
                    None,
                    {"to": [BOB, DORA], "reply": DORA},
                ):
                    recorded(dora, verb, "mail", mail_id, after=after, reason=f"for {DORA}")
    for client in (bob, chief):
        told = timeline(client, mail_id)
        assert "dora" not in told
        assert "admin" not in told
        assert f"It was sent to {BOB}." in told
        assert "opened" not in told
    told = timeline(root, mail_id)
    assert all(
        words in told for words in (f"It was to be released to {BOB}, {DORA}.", "dora", "The message was read.", "A copy was stored.")
    )
    assert told.index("It was sent to") < told.index("A copy was stored.")


def test_an_event_that_has_no_sentence_is_called_as_the_trail_calls_it(app: Flask) -> None:
    mail_id = stored(app)
    with app.app_context():
        recorded(Actor("root", 1, ""), Verb.MAIL_RELEASED, "mail", mail_id, after={"step": "100%"})
    assert "released the mail" in timeline(login(app, "root"), mail_id)


def test_each_act_has_its_sentence(app: Flask) -> None:
    """In full for who sees all mail; what others did, and to whom else, is told to nobody else."""
    mail_id = stored(app, BOB, CAROL)
    bob, root = login(app, "bob", "Recipient"), login(app, "root")
    with app.app_context():
        bob_id = app.extensions["appbuilder"].sm.find_user("bob").id
        for who, verb, after in (
            (Actor("bob", bob_id, ""), Verb.RELEASE_WANTED, {"to": [BOB]}),
            (Actor("carol", 98, ""), Verb.RELEASE_WANTED, {"to": [CAROL]}),
            (Actor("root", 99, ""), Verb.RELEASE_DENIED, {"to": [BOB], "request": 1}),
            (Actor("root", 99, ""), Verb.MAIL_LEARNED, {"step": "refused", "lesson": "fuzzy-add"}),
            (Actor("bob", bob_id, ""), Verb.MAIL_LEARNED, {"step": "done", "lesson": "ham"}),
            (Actor("root", 99, ""), Verb.MAIL_RESCANNED, {"node": "mx1", "action": "no action", "score": 1.5}),
            (Actor("root", 99, ""), Verb.MAIL_FETCHED, {"from": "mx2", "through": "mx1"}),
        ):
            recorded(who, verb, "mail", mail_id, after=after)
    own = [f"Its release to {BOB} was requested.", f"The request for {BOB} was denied.", "Rspamd has learned: ham."]
    others = [f"Its release to {CAROL} was requested.", "Rspamd has not learned: added to the fuzzy storage."]
    others += ["It was scanned again on mx1: Passed, 1.5.", "mx1 had the copy from mx2."]
    assert [words for words in own + others if words not in timeline(root, mail_id)] == []
    assert [words for words in own + others if words in timeline(bob, mail_id)] == own


def test_no_act_on_a_mail_is_without_its_sentence() -> None:
    told = {verb for verb, _step in SENTENCES}
    assert [verb for verb in Verb if verb.startswith("mail.") and verb not in told] == []
