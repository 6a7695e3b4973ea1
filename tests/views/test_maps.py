"""The screens of maps: who sees and changes what, and what becomes of a form that came too late."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import stored_now
from app.extensions import db
from app.models import Map, MapEntry, UserAddress
from app.models.maps import ALIVE
from tests.make import list_value, login, make_map, token
from tests.maps import change
from tests.views.people import number_of as account_of

SENDERS = "mail_from_blacklist"
PAIRS = "mime_from_rcpt_to_whitelist"
NEW_MAP = {
    "title": "Bad subjects", "name": "bad_subjects", "kind": "regexp", "part": "subject", "colour": "deny",
    "symbol": "bad_subjects_bl", "score": "7,5", "editors": "admins", "enabled": "1", "description": "seen often",
}  # fmt: skip


def send(client: FlaskClient, path: str, **fields: Any) -> Any:
    return client.post(path, data={"csrf_token": token(client, "/profile/"), **fields}, follow_redirects=True)


def number_of(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(select(Map.id).where(Map.name == name)).one()


def values(app: Flask, name: str) -> dict[str, MapEntry]:
    with app.app_context():
        number = select(Map.id).where(Map.name == name).scalar_subquery()
        rows = db.session.scalars(select(MapEntry).where(MapEntry.map_id == number, MapEntry.until == ALIVE)).all()
        return {row.value: row for row in rows}


def test_an_admin_adds_an_entry_and_finds_it_everywhere(app: Flask) -> None:
    admin = login(app, "root")
    answer = send(admin, f"/lists/{SENDERS}/new", value="<b>@Example.NET", enabled="1")
    assert "cannot stand before the @" in answer.text
    assert "&lt;b&gt;@Example.NET" in answer.text
    answer = send(
        admin, f"/lists/{SENDERS}/new", value=" Spam@Example.NET", comment="<script>x</script>", enabled="1", expires="2030-01-31T10:00"
    )
    assert "The entry is added." in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script>x" not in answer.text
    (entry,) = values(app, SENDERS).values()
    assert (entry.value, entry.enabled, entry.made_by, str(entry.expires_at)) == ("spam@example.net", True, "root", "2030-01-31 10:00:00")
    for text in ("SPAM@example.net", "example.n", "script"):
        assert "spam@example.net" in admin.get("/lists/find", query_string={"q": text}).text
    assert "No entry has that in it." in admin.get("/lists/find?q=nothing.example").text
    assert "is in this map already" in send(admin, f"/lists/{SENDERS}/new", value="spam@example.net", enabled="1").text


def test_the_later_of_two_forms_is_told_and_keeps_what_was_typed(app: Flask) -> None:
    list_value(app, SENDERS, "example.net")
    first, second = login(app, "root"), login(app, "toor")
    (entry,) = values(app, SENDERS).values()
    path = f"/lists/{SENDERS}/entries/{entry.id}"
    assert "example.net" in first.get(path).text
    assert "The entry is changed." in send(second, path, value="example.net", comment="theirs", enabled="1").text
    answer = send(first, path, value="example.net", comment="mine", enabled="1")
    assert "Somebody else has changed or removed this entry meanwhile" in answer.text
    assert 'value="mine"' in answer.text
    assert values(app, SENDERS)["example.net"].comment == "theirs"
    assert first.get(path).status_code == 404


def test_many_entries_are_switched_at_once_the_ticked_ones_or_all_that_a_search_finds(app: Flask) -> None:
    change(app, number_of(app, SENDERS), puts=[*(f"{number:03}.example" for number in range(120)), "other.test"])
    admin = login(app, "root")
    page = admin.get(f"/lists/{SENDERS}").text
    assert page.count('name="rowid"') == 100
    assert 'name="all"' in page
    assert "121</b> entries" in page
    here = values(app, SENDERS)
    two = [here["000.example"].id, here["001.example"].id]
    assert "2 entries are disabled." in send(admin, f"/lists/{SENDERS}/act", action="disable", rowid=two).text
    assert "meanwhile" in send(admin, f"/lists/{SENDERS}/act", action="remove", rowid=two).text  # as they were before
    assert "118 entries are disabled." in send(admin, f"/lists/{SENDERS}/act", action="disable", all="1", q=".example").text
    assert values(app, SENDERS)["other.test"].enabled
    assert "Choose some entries." in send(admin, f"/lists/{SENDERS}/act", action="remove").text
    assert "in the future" in send(admin, f"/lists/{SENDERS}/act", action="expire", all="1", until="2020-01-31").text
    assert "is no day or time" in send(admin, f"/lists/{SENDERS}/act", action="expire", all="1", until="soon").text
    assert "121 entries have another end." in send(admin, f"/lists/{SENDERS}/act", action="expire", all="1", until="2040-01-31").text
    assert "1 entry is removed." in send(admin, f"/lists/{SENDERS}/act", action="remove", all="1", q="other").text
    assert send(admin, f"/lists/{SENDERS}/act", action="burn", all="1").status_code == 400
    assert len(values(app, SENDERS)) == 120


def test_a_recipient_has_one_page_for_all_that_is_theirs(app: Flask) -> None:
    list_value(app, PAIRS, "shop.example|carol@example.com", "shop.example|bob@example.com")
    carol = login(app, "carol", role="Recipient")
    page = carol.get("/lists/", follow_redirects=True).text
    assert "shop.example" in page
    assert "bob@example.com" not in page
    assert "Other maps" not in page
    assert 'value="remove"' not in carol.get(f"/lists/{PAIRS}").text, "nothing of what is there is hers to remove"
    answer = send(carol, f"/lists/{PAIRS}/new", sender="News@Paper.Example", rcpt="carol@example.com", enabled="1", back="own")
    assert "The entry is added." in answer.text
    assert answer.request.path == "/lists/own"
    assert values(app, PAIRS)["news@paper.example|carol@example.com"].owner_id is not None
    assert 'value="remove"' in carol.get(f"/lists/{PAIRS}").text
    assert "is none of your addresses" in send(carol, f"/lists/{PAIRS}/new", sender="x.example", rcpt="bob@example.com", enabled="1").text
    assert "is none of your addresses" in send(carol, f"/lists/{PAIRS}/new", value="x.example|bob@example.com", enabled="1").text
    here = values(app, PAIRS)
    theirs, made_for = here["shop.example|bob@example.com"].id, here["shop.example|carol@example.com"].id
    for number in (theirs, made_for):
        assert carol.get(f"/lists/{PAIRS}/entries/{number}").status_code == 404
        send(carol, f"/lists/{PAIRS}/act", action="remove", rowid=number)
    assert len(values(app, PAIRS)) == 3
    assert carol.get(f"/lists/{SENDERS}").status_code == 404
    assert "shop.example" not in carol.get("/lists/find?q=bob").text
    assert carol.get("/map-settings/new").status_code == 403


def test_what_others_made_for_a_recipient_is_theirs_as_far_as_the_setting_says(app: Flask) -> None:
    list_value(app, PAIRS, "shop.example|carol@example.com")
    list_value(app, PAIRS, "office.example|further@example.org")
    carol, offered = login(app, "carol", role="Recipient"), {}
    for setting in ("hide", "see", "toggle", "delete"):
        app.config["FOREIGN_ENTRIES"] = setting
        page = carol.get("/lists/own").text
        assert "office.example" not in page
        offered[setting] = [word for word in ("shop.example", 'value="disable"', 'value="remove"') if word in page]
    assert [len(words) for words in offered.values()] == [0, 1, 2, 3]
    with app.app_context():
        db.session.add(
            UserAddress(address="further@example.org", user_id=account_of(app, "carol"), source="admin", created_at=stored_now())
        )
        db.session.commit()
    assert "office.example" in carol.get("/lists/own").text
    assert "is added" in send(carol, f"/lists/{PAIRS}/new", sender="x.example", rcpt="Further@Example.org", enabled="1").text


def test_the_form_says_where_an_entry_has_to_be_proven(app: Flask) -> None:
    admin, said = login(app, "root"), "An entry counts only where SPF or DKIM proves"
    assert [said in admin.get(f"/lists/{name}/new").text for name in (PAIRS, "mail_from_whitelist", SENDERS, "ip_whitelist")] == [
        True,
        True,
        False,
        False,
    ]
    assert 'name="needs_proof" value="1" checked' in admin.get("/map-settings/new").text, (
        "what allows needs it unless somebody says otherwise"
    )


def test_an_auditor_looks_and_touches_nothing(app: Flask) -> None:
    list_value(app, SENDERS, "example.net")
    auditor = login(app, "watcher", role="Auditor")
    page = auditor.get(f"/lists/{SENDERS}").text
    assert "example.net" in page
    assert "rowid" not in page
    assert f"/lists/{SENDERS}/new" not in page
    (entry,) = values(app, SENDERS).values()
    send(auditor, f"/lists/{SENDERS}/act", action="remove", rowid=entry.id)
    send(auditor, f"/lists/{SENDERS}/new", value="x.example", enabled="1")
    assert set(values(app, SENDERS)) == {"example.net"}


def test_a_map_is_made_changed_copied_and_deleted_on_screens(app: Flask) -> None:
    admin = login(app, "root")
    answer = send(admin, "/map-settings/new", **NEW_MAP)
    assert "The map bad_subjects is made." in answer.text
    assert answer.request.path == "/lists/bad_subjects"
    with app.app_context():
        made = db.session.scalars(select(Map).where(Map.name == "bad_subjects")).one()
        assert (made.symbol, made.score, made.kind, made.ready_made) == ("BAD_SUBJECTS_BL", 7.5, "regexp", False)
    send(admin, "/lists/bad_subjects/new", value="/free money/i", enabled="1")
    copied = send(admin, "/map-settings/bad_subjects/copy", **NEW_MAP | {"name": "copied", "symbol": "COPIED_BL"})
    assert "/free money/i" in copied.text
    late = NEW_MAP | {"version": "1"}
    assert "The map is changed." in send(admin, "/map-settings/bad_subjects", **late | {"title": "Worse"}).text
    answer = send(admin, "/map-settings/bad_subjects", **late | {"title": "Best"})
    assert "Somebody else has changed this map meanwhile" in answer.text
    assert 'value="Best"' in answer.text
    assert "only be changed while it is empty" in send(admin, "/map-settings/bad_subjects", **late | {"version": "2", "kind": "text"}).text
    assert "meanwhile" in send(admin, "/map-settings/bad_subjects/delete", version="1").text
    assert "is deleted" in send(admin, "/map-settings/bad_subjects/delete", version="2").text
    assert admin.get("/lists/bad_subjects").status_code == 404
    assert set(values(app, "copied")) == {"/free money/i"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../etc"}, "A map&#39;s name has letters"),
        ({"name": "find"}, "A map&#39;s name has letters"),
        ({"name": SENDERS}, "already"),
        ({"title": ""}, "A map has a title"),
        ({"symbol": ""}, "has a symbol"),
        ({"symbol": "RQWATCH_IP_BLACKLIST"}, "already"),
        ({"symbol": "X Y"}, "has a symbol"),
        ({"part": "ip"}, "cannot be compared"),
        ({"part": "header"}, "names one header"),
        ({"part": "header", "header": "X.Spam"}, "The name of a header has letters"),
        ({"colour": "allow"}, "is not above zero"),
        ({"score": "-1"}, "is not above zero"),
        ({"score": "much"}, "is no number"),
        ({"score": "nan"}, "A score is"),
        ({"score": "1e9"}, "A score is"),
        ({"editors": "everybody"}, "Only maps of pairs"),
        ({"kind": "words"}, "none of what there is to choose"),
    ],
)
def test_what_no_map_may_be_is_told(app: Flask, changes: dict[str, str], said: str) -> None:
    answer = send(login(app, "root"), "/map-settings/new", **NEW_MAP | changes)
    assert said in answer.text
    with app.app_context():
        assert db.session.scalar(select(Map.id).where(Map.name == "bad_subjects")) is None


def test_who_has_more_pairs_than_a_page_holds_is_told_where_the_rest_is(app: Flask) -> None:
    number = number_of(app, PAIRS)
    theirs = {"sender": "s", "rcpt": "carol@example.com", "rcpt_domain": "example.com"}
    change(app, number, puts=[f"s{each}|carol@example.com" for each in range(200)], **theirs)
    carol = login(app, "carol", role="Recipient")
    assert "These are not all" not in carol.get("/lists/own").text
    change(app, number, puts=["s200|carol@example.com"], **theirs)
    page = carol.get("/lists/own").text
    assert "These are not all" in page
    assert page.count('class="mk-value"') == 200


def test_what_the_form_hides_is_not_meant(app: Flask) -> None:
    """A browser sends what was typed before another choice hid it."""
    admin = login(app, "root")
    send(admin, "/map-settings/new", **NEW_MAP | {"header": "X-Spam", "name": "one"})
    send(admin, "/map-settings/new", **NEW_MAP | {"part": "none", "name": "two"})
    with app.app_context():
        made = db.session.execute(select(Map.name, Map.header, Map.symbol).where(Map.name.in_(("one", "two"))).order_by(Map.name))
        assert [tuple(row) for row in made] == [("one", "", "BAD_SUBJECTS_BL"), ("two", "", "")]


def test_a_change_that_rspamds_files_have_to_follow_is_told(app: Flask) -> None:
    admin, said = login(app, "root"), "Rspamd takes this over once its files are made again"
    made = send(admin, "/map-settings/new", **NEW_MAP)
    assert "No Rspamd has fetched this map yet" in made.text
    assert said in send(admin, "/map-settings/bad_subjects", **NEW_MAP | {"version": "1", "score": "8"}).text
    assert said not in send(admin, "/map-settings/bad_subjects", **NEW_MAP | {"version": "2", "score": "8", "title": "Other"}).text


def test_of_a_ready_made_map_what_files_and_symbols_are_known_by_stays(app: Flask) -> None:
    admin = login(app, "root")
    fields = {"version": "1", "title": "", "score": "80", "editors": "domain_admins", "enabled": "1"}
    assert "stay as they are" in send(admin, "/map-settings/ip_blacklist", **fields | {"name": "other"}).text
    assert "cannot be deleted" in send(admin, "/map-settings/ip_blacklist/delete", version="1").text
    answer = send(admin, "/map-settings/ip_blacklist", **fields)
    assert "The map is changed." in answer.text
    assert "IP addresses blocked" in answer.text


def test_what_clashes_is_marked_on_the_map(app: Flask) -> None:
    list_value(app, SENDERS, "example.net", "spam@example.net", "fine.example")
    list_value(app, "mail_from_whitelist", "boss@example.net", "fine.example")
    page = login(app, "root").get(f"/lists/{SENDERS}").text
    assert page.count("Another entry says it already") == 1
    assert page.count("The other list has it, too") == 1
    page = login(app, "root2").get("/lists/mail_from_whitelist").text
    assert page.count("The other list has all that this is part of") == 1


def test_a_sample_is_tried_without_keeping_anything(app: Flask) -> None:
    make_map(app, "subjects", "regexp", "subject")
    admin = login(app, "root")
    told = [send(admin, "/lists/subjects/matches", value=value, sample="Free MONEY").json for value in ("/free money/i", "/xyz/", "/(/")]
    assert [one["tone"] for one in told] == ["good", "", "bad"]
