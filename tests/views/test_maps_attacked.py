"""Maps, and whoever means them harm: what is no text, no number or no file of ours, and what is somebody else's."""

import io
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import NotAllowed
from app.extensions import db
from app.models import Editors, MapRevision
from app.queries.map_reach import MapReach
from app.queries.scope import Scope
from app.rspamd.map_lines import read_lines
from app.services.map_entries import add_entry, change_entry
from app.services.map_import import import_lines
from app.services.map_tally import Mode
from tests.make import list_value, login, make_mails, make_map
from tests.services.test_map_entries import EVERYTHING, PAIRS, SENDERS, SYSTEM, MapKind, alive, the_map, wanted

MANY_DIGITS = "9" * 30
LONE = "\ud800"
PAGES = (
    f"/lists/{SENDERS}/history/{MANY_DIGITS}",
    f"/lists/{SENDERS}/entries/{MANY_DIGITS}",
    f"/lists/{SENDERS}?after=%00&by=%00&q=%00",
    f"/lists/{SENDERS}/import/%00",
    f"/lists/{SENDERS}/try?upload=%00",
    "/lists/%00",
    "/map-settings/%00",
)
WRONG_LINES = (
    {"value": "a@example.net", "enabled": LONE},
    {"value": "a@example.net", "score": LONE},
    {"value": "a@example.net", "symbol": LONE},
    {"value": "a@example.net", "data": LONE},
    {"value": LONE * 4100},
)


@pytest.fixture
def sends(any_app: Flask) -> FlaskClient:
    any_app.config["WTF_CSRF_ENABLED"] = False
    return login(any_app, "admin")


def test_what_no_database_keeps_breaks_no_page(any_app: Flask, sends: FlaskClient) -> None:
    assert {page: sends.get(page).status_code for page in PAGES if sends.get(page).status_code not in (200, 404)} == {}
    form = {"value": "a@example.net", "comment": "one\0two"}
    for path in ("new", f"entries/{MANY_DIGITS}"):
        assert sends.post(f"/lists/{SENDERS}/{path}", data=form).status_code in (200, 302)
    made = {"name": "fine", "title": "Fine", "kind": "address", "part": "none", "colour": "deny", "editors": "admins"}
    assert sends.post("/map-settings/new", data=made | {"description": "one\0two"}).location.endswith("/lists/fine")
    with any_app.app_context():
        assert alive()["a@example.net"].comment == "one\ufffdtwo"
        assert the_map("fine").description == "one\ufffdtwo"


def test_what_is_wrong_of_a_line_can_be_shown_whatever_it_is(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    admin = login(app, "admin")
    file = io.BytesIO(json.dumps([*WRONG_LINES, "b@example.net"]).encode())
    brought = admin.post(f"/lists/{SENDERS}/import", data={"mode": "add", "form": "json", "file": (file, "list\0.json")})
    page = admin.get(brought.location)
    assert page.status_code == 200
    assert "leave 5 lines out" in page.get_data(as_text=True)
    file.close()


def test_an_upload_is_refused_before_it_fills_the_disk(app: Flask) -> None:
    most: int = app.config["MAX_CONTENT_LENGTH"]
    assert most >= app.config["MAPS_UPLOAD_BYTES"]
    sent: Any = {"data": b"x", "content_type": "multipart/form-data; boundary=x", "environ_overrides": {"CONTENT_LENGTH": str(most + 1)}}
    assert app.test_client().post("/login/", **sent).status_code == 413


def recipient(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    return login(app, "carol", "Recipient")


def test_recipients_try_no_regexps(app: Flask) -> None:
    """They edit maps of pairs, so that none of them needs it."""
    carol = recipient(app)
    assert carol.post(f"/lists/{PAIRS}/matches", data={"value": "/a/", "sample": "a"}).status_code == 400
    make_map(app, "subjects", "regexp", "subject")
    assert carol.post("/lists/subjects/matches", data={"value": "/a/", "sample": "a"}).status_code == 404
    assert login(app, "admin").post("/lists/subjects/matches", data={"value": "/a/", "sample": "a"}).json["said"] == "It matches."


def test_recipients_fill_no_map(app: Flask) -> None:
    app.config["OWN_ENTRIES"] = 3
    carol = recipient(app)
    list_value(app, PAIRS, "one.test|carol@example.com", "one.test|bob@example.com")
    text = "".join(f"{name}.test|carol@example.com\n" for name in ("one", "two", "three", "four", "five"))
    review = carol.post(f"/lists/{PAIRS}/import", data={"mode": "add", "text": text}).location
    page = carol.get(review).get_data(as_text=True)
    assert "leave 2 lines out" in page
    assert "A map takes at most 3 entries for your own addresses." in page
    carol.post(review, data={"act": "confirm", "mode": "add"})
    carol.post(f"/lists/{PAIRS}/new", data={"sender": "six.test", "rcpt": "carol@example.com"})
    with app.app_context():
        assert {entry.sender for entry in alive(PAIRS).values() if entry.rcpt == "carol@example.com"} == {
            "one.test",
            "two.test",
            "three.test",
        }
    long = {"mode": "add", "text": "# a remark\n" * 300}
    assert carol.post(f"/lists/{PAIRS}/import", data=long).status_code == 400
    login(app, "admin").post(f"/lists/{PAIRS}/new", data={"sender": "six.test", "rcpt": "carol@example.com"})
    with app.app_context():
        assert "six.test|carol@example.com" in alive(PAIRS)


def test_the_name_of_a_file_is_its_owners(app: Flask) -> None:
    """Of an import of many people's pairs each sees that it was, and what it changed for them."""
    with app.app_context():
        lines: Any = read_lines(MapKind.PAIR, "text", [b"a.test|carol@example.com\na.test|bob@example.com\n"])
        import_lines(EVERYTHING, the_map(PAIRS), lines, Mode.ADD, form="text", actor=SYSTEM, name="bob-leaves-us.txt")
        assert "bob-leaves-us" in db.session.query(MapRevision).one().note
    carol, admin = recipient(app), login(app, "admin")
    for page in (f"/lists/{PAIRS}/history", f"/lists/{PAIRS}/history/1"):
        assert "bob-leaves-us" in admin.get(page).get_data(as_text=True)
        answer = carol.get(page)
        assert (answer.status_code, "bob-leaves-us" in answer.get_data(as_text=True)) == (200, False)


def test_trying_a_whole_map_tells_nothing_of_what_others_have_in_it(app: Flask) -> None:
    """A tag is no part of an entry: what somebody has for bob@ would else show in the mails of bob+team@, which are another's."""
    app.config["FOREIGN_ENTRIES"] = "hide"
    make_map(app, "pairs", "pair", "mail_from", editors=Editors.EVERYBODY)
    list_value(app, "pairs", "news@example.org|carol@example.com")
    make_mails(app, 1, mail_from="news@example.org", recipients=("carol@example.com",))
    found = {
        who: client.get("/lists/pairs/try?all=1").get_data(as_text=True)
        for who, client in (("admin", login(app, "admin")), ("carol", recipient(app)))
    }
    assert {who: re.search(r"(\d+) mails? of the last 7 days", page)[1] for who, page in found.items()} == {"admin": "1", "carol": "0"}  # type: ignore[index]


def test_only_admins_weigh_an_entry(app: Flask) -> None:
    """A recipient would let through whom nothing proves by a list that blocks, and make DMARC's symbol appear."""
    carol = recipient(app)
    blocked = "mime_from_rcpt_to_blacklist"
    pair = {"sender": "a.test", "rcpt": "carol@example.com"}
    for more in ({"score": "-1000"}, {"symbol": "DMARC_POLICY_ALLOW"}):
        carol.post(f"/lists/{blocked}/new", data=pair | more)
    carol.post(f"/lists/{blocked}/new", data={"value": "a.test|carol@example.com X:-1000"})
    review = carol.post(f"/lists/{blocked}/import", data={"mode": "update", "text": "a.test|carol@example.com -1000"}).location
    assert "Only admins give an entry a symbol or a score of its own." in carol.get(review).get_data(as_text=True)
    carol.post(review, data={"act": "confirm", "mode": "update"})
    lead = MapReach(user_id=8, domain_admin=True, own=Scope((), ("example.com",)))
    make_map(app, "lent", editors=Editors.DOMAIN_ADMINS, score=5.0)
    list_value(app, "lent", "b.test 2")
    with app.app_context():
        assert alive(blocked) == {}
        for text in ("c.test -1000", "c.test DMARC_POLICY_ALLOW:1"):
            with pytest.raises(NotAllowed):
                add_entry(lead, the_map("lent"), wanted(text), actor=SYSTEM)
        (entry,) = alive("lent").values()
        with pytest.raises(NotAllowed):
            change_entry(lead, the_map("lent"), entry.id, wanted("b.test -1000"), actor=SYSTEM)
        change_entry(lead, the_map("lent"), entry.id, wanted("b.test 2", comment="so it was"), actor=SYSTEM)
        assert [(entry.score, entry.comment) for entry in alive("lent").values()] == [(2.0, "so it was")]
