"""The screens of imports, exports, history and reports of maps: what they tell, and what only some may do."""

import csv
import html
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.clock import stored_now
from app.extensions import db
from app.models import AuditEvent, MapFetch
from app.queries.map_reach import EVERYTHING
from app.queries.maps import map_called
from tests.make import list_value, login, make_mails, make_map
from tests.services.test_map_entries import PAIRS, SENDERS, alive
from tests.services.test_map_import import left

TEXT = "one@example.net\none@example.net\nnonsense@\n# off@example.net\n"


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    return login(app, "admin")


def brought(client: FlaskClient, text: str = TEXT, name: str = SENDERS, **fields: Any) -> str:
    """The address of the page that tells of the lines."""
    answer = client.post(f"/lists/{name}/import", data={"text": text, "mode": "add"} | fields)
    assert answer.status_code == 302, words(answer)
    return str(answer.location)


def words(answer: Any) -> str:
    """Without the markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))).split())


def test_what_was_pasted_is_shown_mended_and_written(app: Flask, admin: FlaskClient) -> None:
    review = brought(admin, TEXT.replace("\n", "\r\n"))
    page = admin.get(review)
    assert "4 lines" in words(page)
    for count in ("2 new", "1 double", "1 wrong"):
        assert count in words(page)
    assert "“nonsense@” is no mail address" in words(page)
    assert "leave 1 line out" in words(page)
    assert "\n# off@example.net" in page.get_data(as_text=True)
    with app.app_context():
        assert alive() == {}
    again = admin.post(review, data={"act": "again", "mode": "add", "text": TEXT.replace("nonsense@", "two@example.net")})
    assert again.location != review
    assert "wrong" not in words(admin.get(again.location))
    assert admin.get(review).status_code == 404
    done = admin.post(again.location, data={"act": "confirm", "mode": "add"}, follow_redirects=True)
    assert "3 entries were added." in words(done)
    assert "Revision 1" in words(done)
    with app.app_context():
        assert {value: entry.enabled for value, entry in alive().items()} == {
            "off@example.net": False,
            "one@example.net": True,
            "two@example.net": True,
        }
        assert left() == (0, 0)


def test_the_oldest_of_many_uploads_can_still_be_mended(app: Flask, admin: FlaskClient) -> None:
    """A new one makes room for itself, and it is the one on the page that goes."""
    review, *_others = [brought(admin) for _ in range(5)]
    again = admin.post(review, data={"act": "again", "mode": "add", "text": "two@example.net"})
    assert "1 new" in words(admin.get(again.location))


def test_a_map_that_changed_meanwhile_is_judged_anew(app: Flask, admin: FlaskClient) -> None:
    review = brought(admin)
    list_value(app, SENDERS, "one@example.net")
    done = admin.post(review, data={"act": "confirm", "mode": "add"}, follow_redirects=True)
    assert "1 entry was added. 1 line was left out." in words(done)


def test_files_are_told_by_their_names_and_beginnings(app: Flask, admin: FlaskClient) -> None:
    def upload(raw: bytes, name: str, **fields: str) -> str:
        return words(admin.get(brought(admin, "", file=(io.BytesIO(raw), name), **fields)))

    assert "list.csv : 1 line" in upload(b"a@example.net,why\n", "C:\\mine\\list.csv")
    assert "2 lines" in upload(b'["a@example.net", "b@example.net"]', "list")
    assert "1 wrong" in upload(b'["a@example.net", "b@example.net"]', "list", form="text")
    assert "1 new" in upload(b"value,comment\na@example.net,why\n", "list")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"text": " \n"}, 400),
        ({"text": "x", "form": "xml"}, 400),
        ({"text": "x", "mode": "burn"}, 400),
        ({"file": (io.BytesIO(b""), "empty.txt")}, 400),
    ],
)
def test_nothing_and_nonsense_are_refused(admin: FlaskClient, fields: dict[str, Any], status: int) -> None:
    assert admin.post(f"/lists/{SENDERS}/import", data={"mode": "add"} | fields).status_code == status


def test_an_upload_is_for_whoever_brought_it(app: Flask, admin: FlaskClient) -> None:
    review = brought(admin)
    other = login(app, "root")
    assert other.get(review).status_code == 404
    assert other.post(review, data={"act": "confirm", "mode": "add"}).status_code == 404
    assert admin.get(review.replace(SENDERS, "ip_blacklist")).status_code == 404
    assert admin.post(review, data={"act": "explode", "mode": "add"}).status_code == 400
    assert admin.post(review, data={"act": "drop", "mode": "add"}).status_code == 302
    assert admin.get(review).status_code == 404


def test_who_may_what(app: Flask, admin: FlaskClient) -> None:
    list_value(app, PAIRS, "a@example.net|carol@example.com", "secret@example.net|stranger@example.com")
    list_value(app, SENDERS, "a@example.net")
    carol, watcher = login(app, "carol", role="Recipient"), login(app, "watcher", role="Auditor")
    for page in ("import", "history", "history/1", "history/1/entries", "compare", "conflicts", "try?all=1", "export"):
        assert carol.get(f"/lists/{SENDERS}/{page}").status_code == 404, page
        assert watcher.get(f"/lists/{SENDERS}/{page}").status_code == (403 if page == "import" else 200), page
        answer = carol.get(f"/lists/{PAIRS}/{page}")
        assert answer.status_code == 200, page
        assert "stranger" not in answer.get_data(as_text=True), page
    assert carol.get(f"/lists/{PAIRS}/history/2").status_code == 404
    assert "stranger" in watcher.get(f"/lists/{PAIRS}/export").get_data(as_text=True)
    assert carol.get("/lists/fetched").status_code == 403
    assert "replace" not in carol.get(f"/lists/{PAIRS}/import").get_data(as_text=True)
    assert carol.post(f"/lists/{PAIRS}/import", data={"text": "x", "mode": "replace"}).status_code == 403
    for client in (carol, watcher):
        client.post(f"/lists/{PAIRS}/back", data={"to": "0", "seen": "2"})
    with app.app_context():
        assert len(alive(PAIRS)) == 2


def test_the_history_tells_and_leads_back(app: Flask, admin: FlaskClient) -> None:
    list_value(app, SENDERS, "one@example.net", comment="first")
    list_value(app, SENDERS, "two@example.net")
    admin.post(
        brought(admin, "value,comment\none@example.net,second\n", form="csv", mode="replace"), data={"act": "confirm", "mode": "replace"}
    )
    page = words(admin.get(f"/lists/{SENDERS}/history"))
    assert "admin imported" in page
    assert "+1 −2" in page
    told = words(admin.get(f"/lists/{SENDERS}/compare?from=1&to=3"))
    assert "changed one@example.net Comment first → second" in told
    assert "removed + two@example.net" not in told
    assert "− removed two@example.net" in words(admin.get(f"/lists/{SENDERS}/compare?from=2&to=3"))
    assert "+ added two@example.net" in words(admin.get(f"/lists/{SENDERS}/compare?from=3&to=2"))
    assert "two@example.net" in words(admin.get(f"/lists/{SENDERS}/history/2/entries"))
    assert "There were no entries." in words(admin.get(f"/lists/{SENDERS}/history/0/entries"))
    for wrong in ("history/4", "history/0", "history/4/entries"):
        assert admin.get(f"/lists/{SENDERS}/{wrong}").status_code == 404
    assert [admin.get(f"/lists/{SENDERS}/compare?from={text}").status_code for text in ("9", "x", "1e1")] == [400] * 3
    late = admin.post(f"/lists/{SENDERS}/back", data={"to": "2", "seen": "2"}, follow_redirects=True)
    assert "Somebody else has changed this map meanwhile" in words(late)
    back = admin.post(f"/lists/{SENDERS}/back", data={"to": "2", "seen": "3"}, follow_redirects=True)
    assert "The map has the entries of revision 2 again." in words(back)
    assert "went back to revision 2" in words(back)
    with app.app_context():
        assert {value: entry.comment for value, entry in alive().items()} == {"one@example.net": "first", "two@example.net": ""}


def test_entries_of_another_kind_do_not_come_back(app: Flask, admin: FlaskClient) -> None:
    from dataclasses import replace

    from app.actor import SYSTEM
    from app.rspamd.map_kinds import MapKind, MapPart
    from app.services.maps import change_map, definition_of

    make_map(app, "mine")
    list_value(app, "mine", "one@example.net")
    admin.post("/lists/mine/back", data={"to": "0", "seen": "1"})
    with app.app_context():
        found = map_called(EVERYTHING, "mine")
        change_map(found, 1, replace(definition_of(found), kind=MapKind.IP, part=MapPart.IP), actor=SYSTEM)
    said = admin.post("/lists/mine/back", data={"to": "1", "seen": "3"}, follow_redirects=True)
    assert "do not fit any more" in words(said)


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_an_export_gives_the_same_map_again(app: Flask, admin: FlaskClient, form: str) -> None:
    list_value(app, SENDERS, "=cmd@example.net", comment='=1+1, "quoted" # and more')
    list_value(app, SENDERS, "off@example.net", enabled=False)
    list_value(app, SENDERS, "later@example.net", expires_at=stored_now().replace(microsecond=0) + timedelta(days=1))
    answer = admin.get(f"/lists/{SENDERS}/export?form={form}")
    ending = {"text": "txt"}.get(form, form)
    assert answer.headers["Content-Disposition"] == f"attachment; filename={SENDERS}-r3.{ending}"
    admin.post(brought(admin, answer.get_data(as_text=True), form=form, mode="replace"), data={"act": "confirm", "mode": "replace"})
    with app.app_context():
        assert map_called(EVERYTHING, SENDERS).revision == 3  # nothing was changed
        verbs = [event.verb for event in db.session.query(AuditEvent)]
        assert verbs.count("map.exported") == 1
    make_map(app, "copy")
    admin.post(brought(admin, answer.get_data(as_text=True), "copy", form=form), data={"act": "confirm", "mode": "add"})
    with app.app_context():
        copied, there = alive("copy"), alive()
        compared = ("value", "enabled", "comment", *(() if form == "text" else ("expires_at",)))
        assert [[getattr(copied[value], name) for name in compared] for value in there] == [
            [getattr(there[value], name) for name in compared] for value in there
        ]


def test_an_export_holds_what_the_search_finds(app: Flask, admin: FlaskClient) -> None:
    list_value(app, SENDERS, "one@example.net", "two@example.net")
    rows = list(csv.DictReader(io.StringIO(admin.get(f"/lists/{SENDERS}/export?form=csv&q=two").get_data(as_text=True))))
    assert [row["value"] for row in rows] == ["two@example.net"]
    assert len(json.loads(admin.get(f"/lists/{SENDERS}/export?form=json&state=off").get_data(as_text=True))) <= 1
    for wrong in ("form=exe", "state=odd"):
        assert admin.get(f"/lists/{SENDERS}/export?{wrong}").status_code == 400


def test_conflicts_are_told_page_by_page(app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    list_value(app, SENDERS, "example.net", "a@example.net", "b@example.org")
    list_value(app, "mail_from_whitelist", "a@example.net", "example.org")
    page = words(admin.get(f"/lists/{SENDERS}/conflicts"))
    assert page.count("a@example.net") == 2
    assert "b@example.org" in page
    assert "example.org in" in page
    everywhere = admin.get("/lists/conflicts")
    assert "SMTP" in words(everywhere) or "mail_from" in everywhere.get_data(as_text=True)
    monkeypatch.setattr("app.views.map_reports._ROWS", 1)
    first = admin.get("/lists/conflicts").get_data(as_text=True)
    following = re.search(r'rel="next" href="([^"]*)"', first)
    assert following
    assert admin.get(html.unescape(following[1])).status_code == 200
    assert admin.get("/lists/conflicts?after=nothing%00:x").status_code == 200


def test_what_the_nodes_have_and_which_are_behind(app: Flask, admin: FlaskClient) -> None:
    assert "No node has fetched a map yet." in words(admin.get("/lists/fetched"))
    list_value(app, SENDERS, "one@example.net")
    now = stored_now()
    with app.app_context():
        found = map_called(EVERYTHING, SENDERS).id
        for node, revision, at in (("mx1", 1, now), ("mx2", 1, now - timedelta(hours=1)), ("mx3", 0, now)):
            db.session.add(
                MapFetch(node=node, map_id=found, revision=revision, etag="x", fetched_at=at, agent="rspamd-3.4", ip="192.0.2.1")
            )
        db.session.commit()
    page = words(admin.get("/lists/fetched"))
    told = re.search(r"No node has fetched ([^:]+):", page)
    assert told
    assert "mime_from_blacklist" in told[1]
    assert SENDERS not in told[1]
    assert [re.search(rf"{node} 192\.0\.2\.1 (\d+) (\S+ \S+)", page)[2] for node in ("mx1", "mx2", "mx3")] == [  # type: ignore[index]
        "up to",
        "asks no",
        "fetches soon",
    ]


def test_a_wrong_value_is_not_tried(admin: FlaskClient) -> None:
    answer = admin.get(f"/lists/{SENDERS}/try?value=nonsense@", headers={"X-Fragment": "1"})
    assert (answer.status_code, "is no mail address" in words(answer)) == (400, True)
    assert "<html" not in answer.get_data(as_text=True)


def test_a_value_and_a_whole_map_are_tried_among_the_mails_one_may_see(app: Flask, admin: FlaskClient) -> None:
    own, foreign = (
        make_mails(app, mail_from="eve@example.net", recipients=(rcpt,), subject=rcpt)[0]
        for rcpt in ("carol@example.com", "bob@example.com")
    )
    list_value(app, SENDERS, "example.net")
    for query in ("value=Eve@Example.NET", "all=1"):
        page = admin.get(f"/lists/{SENDERS}/try?{query}")
        assert "2 mails of the last 7 days would have been hit." in words(page)
        assert f"/mails/show/{foreign}" in page.get_data(as_text=True)
    assert "0 mails of the last 7 days" in words(admin.get(f"/lists/{SENDERS}/try?value=nobody@example.org"))
    pair = "sender=example.net&rcpt=example.com"
    piece = login(app, "carol", role="Recipient").get(f"/lists/mail_from_rcpt_to_blacklist/try?{pair}", headers={"X-Fragment": "1"})
    assert f"/mails/show/{own}" in piece.get_data(as_text=True)
    assert f"/mails/show/{foreign}" not in piece.get_data(as_text=True)
    make_map(app, "bodies", "regexp", "body")
    assert "The log does not keep what this map is compared with" in words(admin.get("/lists/bodies/try?value=/a/"))


def test_a_mail_offers_what_of_it_may_be_listed(app: Flask, admin: FlaskClient) -> None:
    (mail,) = make_mails(app, mail_from="eve@example.net", header_from="Eve <eve@example.net>", recipients=("carol@example.com",))
    list_value(app, SENDERS, "example.net")
    page = admin.get(f"/mails/show/{mail}").get_data(as_text=True)
    assert (
        f'href="/lists/{SENDERS}/new?value=eve%40example.net&amp;mail={mail}"' in page
        or f"/lists/{SENDERS}/new?value=eve@example.net&amp;mail={mail}" in page
    )
    assert f"/lists/{SENDERS}?q=example.net" in page
    form = admin.get(f"/lists/{SENDERS}/new?value=eve@example.net&mail={mail}").get_data(as_text=True)
    assert 'value="eve@example.net"' in form
    carol = login(app, "carol", role="Recipient").get(f"/mails/show/{mail}").get_data(as_text=True)
    assert f"/lists/{SENDERS}" not in carol
    assert "mime_from_rcpt_to_blacklist/new?value=" in carol
    assert "Allow or block" not in login(app, "watcher", role="Auditor").get(f"/mails/show/{mail}").get_data(as_text=True)
