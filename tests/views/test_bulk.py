"""The screens of acts on many mails: what may be ticked, what is said before it begins, and who sees a run."""

import html
import pathlib
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.apps import close
from tests.bulk import counts, events, ordered, releases, run_of, worked
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.releases import BOB, CAROL, releasing_app, stored
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=60)
    yield app
    close(app)


def sent_form(client: FlaskClient, path: str, **fields: object) -> tuple[int, str, str]:
    """Status, text, and where it leads."""
    answer = client.post(path, data={"csrf_token": token(client)} | fields)
    return answer.status_code, html.unescape(answer.get_data(as_text=True)), answer.location or ""


def hidden(page: str) -> dict[str, str]:
    """The fields of the page on which it is confirmed."""
    form = page[page.index("/bulk/begin/") :]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    found.pop("csrf_token")
    return found


def begun(client: FlaskClient, act: str = "release", said: object = None, **fields: object) -> int:
    """As the browser goes: the list's form, the page that asks, the run."""
    status, page, _ = sent_form(client, f"/bulk/confirm/{act}", **fields)
    assert status == 200, page
    status, page, location = sent_form(client, f"/bulk/begin/{act}", **hidden(page) | (said or {}))  # type: ignore[operator]
    assert (status, location[:6]) == (302, "/bulk/"), page
    return int(location.rpartition("/")[2])


def test_ticked_mails_are_shown_confirmed_and_done(app: Flask) -> None:
    first, other, last = (stored(app, subject=f"subject {n}") for n in range(3))
    admin = login(app, "root")
    rows = admin.get("/mails/list/").get_data(as_text=True)
    assert all(f'name="id" value="{each}" form="mk-bulk"' in rows for each in (first, other, last))
    status, page, _ = sent_form(admin, "/bulk/confirm/release", id=[first, last])
    assert (status, "<b>2</b>" in page, "subject 0" in page, "subject 1" in page) == (200, True, True, False)
    run = begun(admin, id=[first, last])
    assert "waits" in admin.get(f"/bulk/{run}").get_data(as_text=True)
    worked(app)
    assert (releases(app), counts(app, run)) == ([first, last], ("done", 2, 0, 0))
    assert f"/bulk/{run}" in admin.get("/bulk/").get_data(as_text=True)


def test_a_whole_search_keeps_to_what_was_there_when_it_was_shown(app: Flask) -> None:
    mails = [stored(app, subject="offer") for _ in range(3)]
    stored(app, subject="another")
    admin = login(app, "root")
    _status, page, _ = sent_form(admin, "/bulk/confirm/release", all="1", search="subject.is=offer&time.on=today")
    assert "<b>3</b>" in page
    fields = hidden(page)
    assert "time.on=today" not in fields["search"], "tomorrow that is another day"
    stored(app, subject="offer")
    status, _page, location = sent_form(admin, "/bulk/begin/release", **fields)
    assert status == 302
    assert sent_form(admin, "/bulk/begin/release", **fields)[2] == location, "a second click is the same run"
    worked(app)
    assert releases(app) == mails
    assert [verb for verb, _after in events(app)] == ["bulk.begun", "bulk.ended"]
    assert events(app)[0][1]["mails"] == 3


def test_what_is_not_confirmed_or_cannot_be_read_does_nothing(app: Flask) -> None:
    mail_id = stored(app)
    admin = login(app, "root")
    for path, fields, status in (
        ("/bulk/begin/release", {"id": mail_id}, 400),
        ("/bulk/begin/release", {"id": mail_id, "token": "../x"}, 400),
        ("/bulk/confirm/release", {}, 302),
        ("/bulk/confirm/release", {"id": ["x", "-1", "9" * 19, "9" * 30, "0"]}, 302),
        ("/bulk/confirm/release", {"all": "1", "search": "nonsense.is=1"}, 400),
        ("/bulk/confirm/release", {"all": "1", "search": "score.ge=many"}, 400),
        ("/bulk/confirm/nothing", {"id": mail_id}, 404),
        ("/bulk/confirm/release", {"ids": " ".join(map(str, range(1, 1003)))}, 400),
    ):
        assert sent_form(admin, path, **fields)[0] == status, (path, fields)
    assert sent_form(admin, "/bulk/confirm/release", id=mail_id, before="x" * 50, all="1", search="")[0] == 200
    for path in ("/bulk/99999999999999999999", "/bulk/0", "/bulk/?before=x"):
        assert admin.get(path).status_code in (400, 404)
    assert releases(app) == []


def test_an_unread_number_keeps_a_search_of_all_mails_from_beginning_unseen(app: Flask) -> None:
    stored(app)
    _status, page, _ = sent_form(login(app, "root"), "/bulk/confirm/release", all="1", search="")
    assert "all mails that you may see" in page


def test_everybody_sees_their_own_runs_and_their_own_mails_in_them(app: Flask) -> None:
    shared, carols = stored(app, BOB, CAROL, subject="for both"), stored(app, CAROL, subject="for carol alone")
    admin, bob, carol = login(app, "root"), login(app, "bob", "Recipient"), login(app, "carol", "Recipient")
    status, page, _ = sent_form(bob, "/bulk/confirm/release", id=[shared, carols])
    assert (status, "<b>1</b>" in page, "for both" in page, "carol" in page) == (200, True, True, False)
    run = begun(bob, id=[shared, carols])
    worked(app)
    assert counts(app, run) == ("done", 1, 1, 0)
    page = bob.get(f"/bulk/{run}").get_data(as_text=True)
    assert "There is no such mail." in page
    assert "for carol alone" not in page
    assert carol.get(f"/bulk/{run}").status_code == 404
    for door in ("cancel", "undo"):
        assert sent_form(carol, f"/bulk/{run}/{door}")[0] == 404
    assert f"/bulk/{run}" not in carol.get("/bulk/").get_data(as_text=True)
    assert "for carol alone" in admin.get(f"/bulk/{run}").get_data(as_text=True)


def test_what_destroys_wants_the_number_typed(app: Flask) -> None:
    mails = [stored(app) for _ in range(2)]
    admin = login(app, "root")
    _status, page, _ = sent_form(admin, "/bulk/confirm/delete_mail", id=mails)
    for typed in ("", "1", "x"):
        status, again, _ = sent_form(admin, "/bulk/begin/delete_mail", **hidden(page), typed=typed)
        assert (status, "to say that you mean all of them" in again) == (400, True)
    run = begun(admin, "delete_mail", id=mails, said={"typed": "2"})
    worked(app)
    assert counts(app, run) == ("done", 2, 0, 0)


def test_who_does_nothing_to_mails_has_no_ticks(app: Flask) -> None:
    stored(app)
    assert "mk-bulk" not in login(app, "watcher", "Auditor").get("/mails/list/").get_data(as_text=True)
    bob = login(app, "bob", "Recipient")
    assert 'id="mk-bulk"' in bob.get("/mails/list/").get_data(as_text=True)
    app.config |= dict.fromkeys(("RELEASE_ROLES", "DELETE_ROLES", "DELETE_COPY_ROLES", "LEARN_ROLES"), ("Admin",))
    assert 'name="id"' not in bob.get("/mails/list/").get_data(as_text=True)
    status, _page, location = sent_form(bob, "/bulk/begin/release", all="1", token="a")
    assert (status, location, releases(app)) == (302, "/mails/list/", [])


def test_cancelling_and_undoing_are_one_press_each(app: Flask) -> None:
    stored(app)
    admin = login(app, "root")
    run = begun(admin, all="1")
    sent_form(admin, f"/bulk/{run}/cancel")
    assert worked(app) == 0
    assert (counts(app, run)[0], releases(app)) == ("cancelled", [])
    assert "ended already" in admin.post(f"/bulk/{run}/cancel", data={"csrf_token": token(admin)}, follow_redirects=True).get_data(
        as_text=True
    )
    run = begun(admin, all="1")
    worked(app)
    assert "data-waits" in admin.get(f"/bulk/{run}").get_data(as_text=True)
    sent_form(admin, f"/bulk/{run}/undo")
    assert run_of(app, run).undone == 1
    assert "data-waits" not in admin.get(f"/bulk/{run}").get_data(as_text=True)


def test_where_reasons_are_given_one_is_given_for_all(app: Flask) -> None:
    app.config["AUDIT_REASON"] = True
    mail_id = stored(app)
    admin, bob = login(app, "root"), login(app, "bob", "Recipient")
    _status, page, _ = sent_form(admin, "/bulk/confirm/release", id=mail_id)
    status, page, _ = sent_form(admin, "/bulk/begin/release", **hidden(page))
    assert (status, "Write a reason." in page) == (400, True)
    run = begun(admin, id=mail_id, said={"reason": "wrongly held back"})
    worked(app)
    assert counts(app, run)[0] == "done"
    assert "wrongly held back" in admin.get("/audit/").get_data(as_text=True)
    begun(bob, id=mail_id)  # his own mail


def test_a_run_of_the_portal_stays_what_a_recipient_may(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> None:
    """Done by a process of the panel, too."""
    portal = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, ROLES=("portal",), UNDO_SECONDS=60)
    bobs, own = stored(portal), stored(portal, "root@example.com")
    admin = login(portal, "root")
    _status, page, _ = sent_form(admin, "/bulk/confirm/release", id=[bobs, own])
    assert "<b>1</b>" in page
    run = begun(admin, id=[bobs, own])
    portal.config["ROLES"] = ("web", "jobs")
    worked(portal)
    assert (counts(portal, run), releases(portal)) == (("done", 1, 1, 0), [own])
    close(portal)


def test_a_run_of_yore_is_shown_whatever_it_was(app: Flask) -> None:
    """An act, an option or a field of the search that this version does not know any more."""
    from app.extensions import db
    from app.models import BulkRun

    admin = login(app, "root")
    run = ordered(app, ids=(7,))
    worked(app)
    with app.app_context():
        row = db.session.get(BulkRun, run)
        row.act, row.options, row.ids, row.search = "forgotten", '["old"]', "", '[["gone.is", "1"]]'
        db.session.commit()
    assert "gone.is=1" in admin.get(f"/bulk/{run}").get_data(as_text=True)
    assert admin.get("/bulk/").status_code == 200
    assert sent_form(admin, f"/bulk/{run}/undo")[0] == 302
