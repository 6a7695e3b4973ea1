"""Programs do with mails what their owners may do on the screen: ask and decide, teach, scan again, delete, and learn what happened."""

import pathlib
import re
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Deletion, MailRequest, MapEntry
from app.services.access_keys import make_key
from tests.apps import close
from tests.databases import SqliteCopies
from tests.lessons import lessons, node_with, text_of
from tests.make import PASSWORD, make_user
from tests.releases import ADMIN, BOB, CAROL, releasing_app, states, stored
from tests.servers.relay import Relay
from tests.services.test_learning import fake, url_of  # noqa: F401 - a fixture
from tests.views.test_release_api import call
from tests.views.test_releases import domain_admin

SYMBOLS = ({"name": "GONE_NOW", "score": 4.0}, {"name": "A", "score": 1.0})


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    make_user(app, "root")
    for name, role in (("bob", "Recipient"), ("auditor", "Auditor")):
        make_user(app, name, role)
    domain_admin(app, "chief", "example.com")
    yield app
    close(app)


def requests(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        return [(row.address, row.state) for row in db.session.scalars(select(MailRequest).order_by(MailRequest.id))]


def waiting(app: Flask) -> list[tuple[int, str]]:
    with app.app_context():
        return [(row.mail_id, row.extent) for row in db.session.scalars(select(Deletion).where(Deletion.state == "waiting"))]


def test_each_way_of_saying_who_one_is_opens_every_door(app: Flask) -> None:
    sent = {"username": "root", "password": PASSWORD, "provider": "db"}
    bearer = app.test_client().post("/api/v1/security/login", json=sent).get_json()["access_token"]
    with app.app_context():
        key = make_key(app.extensions["appbuilder"].sm.find_user("root"), "backup", "Admin", None, actor=ADMIN)[1]
    ways: list[dict[str, Any]] = [{"headers": {"Authorization": f"Bearer {text}"}} for text in (bearer, key)] + [
        {"auth": ("root", PASSWORD)}
    ]
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(("/api/v1/mail", "/api/v1/nodes"))]
    assert len(rules) > 25
    for rule in rules:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = re.sub("<[^>]*>", "1", rule.rule)
            assert app.test_client().open(path, method=method).status_code == (401 if method == "GET" else 400), path
            for way in ways:
                answer = app.test_client().open(path, method=method, **way)
                assert (answer.status_code in (200, 400, 404), "CSRF" in answer.get_data(as_text=True)) == (True, False), (method, path)


def test_with_its_release_it_goes_as_an_attachment_and_its_sender_is_allowed(app: Flask) -> None:
    mail_id = stored(app)
    wish = {"to": [BOB], "mode": "attached", "allow": True, "wrong": True, "learn": True}
    answer = call(app, "bob", "POST", f"{mail_id}/release", json=wish)
    (row,), also = answer.get_json()["result"], answer.get_json()["also"]
    assert (answer.status_code, row["mode"], [each["done"] for each in also]) == (202, "attached", [False, True, True])
    assert (states(app, mail_id), requests(app)) == ([(BOB, "waiting")], [(BOB, "open")])
    with app.app_context():
        assert [entry.rcpt for entry in db.session.scalars(select(MapEntry))] == [BOB]
    other = stored(app)
    for wrong in ({"mode": "by pigeon"}, {"allow": "perhaps"}, {"sure": 2}, {"mode": 7}):
        assert call(app, "bob", "POST", f"{other}/release", json={"to": [BOB]} | wrong).status_code == 400
    assert states(app, other) == []


def test_a_release_is_requested_and_decided(app: Flask) -> None:
    app.config["RELEASE_ROLES"] = ("Admin", "Domain admin")
    first, second, infected = stored(app, BOB, CAROL), stored(app), stored(app, virus="EICAR")
    for mail_id in (first, second, infected):
        answer = call(app, "bob", "POST", f"{mail_id}/request", json={"comment": "urgent"})
        assert (answer.status_code, [row["to"] for row in answer.get_json()["result"]]) == (202, [BOB])
    assert call(app, "bob", "POST", f"{stored(app, CAROL)}/request").status_code == 404
    assert call(app, "chief", "POST", f"{first}/request").status_code == 403
    assert call(app, "auditor", "GET", "requests").status_code == 403
    page = call(app, "chief", "GET", "requests?size=1").get_json()
    assert ([row["mail"] for row in page["result"]], page["older"] is not None) == ([str(second)], True), "no virus is hers to decide"
    rest = call(app, "chief", "GET", f"requests?before={page['older']}").get_json()
    assert ([row["mail"] for row in rest["result"]], rest["older"], CAROL in str(rest)) == ([str(first)], None, False)
    numbers = {row["mail"]: row["id"] for row in call(app, "root", "GET", "requests").get_json()["result"]}

    def decide(who: str, mail_id: int, act: str, **more: Any) -> tuple[int, Any]:
        answer = call(app, who, "POST", f"requests/{numbers[str(mail_id)]}/{act}", json=more)
        return answer.status_code, answer.get_json()

    assert decide("bob", first, "approve")[0] == 403
    assert (decide("chief", infected, "approve", sure=True)[0], decide("chief", first, "close")[0]) == (404, 404)
    assert decide("chief", first, "deny", words="phishing")[1]["result"]["state"] == "denied"
    assert decide("chief", first, "approve")[0] == 409, "it is decided"
    assert decide("chief", second, "approve")[0] == 202
    status, told = decide("root", infected, "approve")
    assert (status, told["confirm"], told["virus"]) == (409, "sure", True)
    assert decide("root", infected, "approve", sure=True)[0] == 202
    assert (states(app, first), states(app, second), states(app, infected)) == ([], [(BOB, "waiting")], [(BOB, "waiting")])
    assert [row["words"] for row in call(app, "bob", "GET", f"{first}/requests").get_json()["result"]] == ["phishing"]
    assert len(call(app, "bob", "GET", "requests").get_json()["result"]) == 3
    assert call(app, "chief", "GET", "requests?own=true").get_json()["result"] == []
    assert call(app, "chief", "GET", "requests?state=decided").get_json()["result"] != []
    assert [call(app, "chief", "GET", f"requests?{wrong}").status_code for wrong in ("state=odd", "own=odd", "size=0")] == [400] * 3


def test_rspamd_is_taught_and_asked_again(app: Flask, fake: ThreadingHTTPServer) -> None:  # noqa: F811
    node_with(app, url_of(fake))
    mail_id, body = stored(app, BOB, CAROL, raw=text_of(1), symbols=SYMBOLS), {"lesson": "spam"}
    assert [call(app, who, "POST", f"{mail_id}/learn", json=body).status_code for who in ("bob", "auditor")] == [403, 403]
    assert call(app, "chief", "POST", f"{mail_id}/learn", json={"lesson": "fuzzy_add"}).status_code == 403
    for wrong in ({}, {"lesson": "maybe"}, {"lesson": []}, {"lesson": "spam", "sure": "perhaps"}):
        assert call(app, "root", "POST", f"{mail_id}/learn", json=wrong).status_code == 400
    assert (fake.asked, lessons(app, mail_id)) == ([], [])  # type: ignore[attr-defined]
    taught = call(app, "chief", "POST", f"{mail_id}/learn", json=body)
    assert (taught.status_code, taught.get_json()["result"]["state"]) == (200, "done")
    again = call(app, "chief", "POST", f"{mail_id}/learn", json=body)
    assert (again.status_code, again.get_json()["confirm"]) == (409, "sure")
    assert call(app, "root", "POST", f"{mail_id}/learn", json={"lesson": "fuzzy_delete"}).status_code == 200
    told = {who: call(app, who, "GET", f"{mail_id}/lessons").get_json()["result"] for who in ("bob", "auditor")}
    assert [row["lesson"] for row in told["bob"]] == ["fuzzy_delete", "spam"]
    assert [row.get("asked_by") for row in told["bob"] + told["auditor"]] == [None, None, "root", "chief"]

    assert call(app, "chief", "POST", f"{mail_id}/rescan", json={"node": "nowhere"}).status_code == 404
    found = call(app, "chief", "POST", f"{mail_id}/rescan").get_json()["result"]
    changes = {each["name"]: each["change"] for each in found["symbols"]}
    assert (found["action"], changes["GONE_NOW"], changes["A"]) == ("reject", "gone", "same")
    assert call(app, "bob", "GET", f"{mail_id}/rescans").status_code == 403
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.del_permission_role(sm.find_role("Domain admin"), sm.find_permission_view_menu("can_symbols", "MailLogView"))
    (row,) = call(app, "chief", "GET", f"{mail_id}/rescans").get_json()["result"]
    assert (row["id"], "symbols" in row) == (found["id"], False)


def test_a_copy_and_a_mail_are_deleted_and_kept(app: Flask) -> None:
    near, far = stored(app), stored(app, BOB, "dora@example.org")
    assert [call(app, who, "DELETE", f"{near}/copy").status_code for who in ("bob", "auditor")] == [403, 403]
    assert call(app, "chief", "DELETE", f"{far}/copy").status_code == 403, "it is somebody else's, too"
    assert call(app, "chief", "DELETE", f"{near}?sure=true").status_code == 403
    answer = call(app, "chief", "DELETE", f"{near}/copy")
    assert (answer.status_code, answer.get_json()["result"]["due_at"] is not None) == (202, True)
    assert call(app, "chief", "DELETE", f"{near}/copy").status_code == 409
    assert call(app, "bob", "POST", f"{near}/keep").status_code == 403
    assert (waiting(app), call(app, "chief", "POST", f"{near}/keep").status_code, waiting(app)) == ([(near, "copy")], 200, [])
    assert call(app, "chief", "POST", f"{near}/keep").status_code == 409
    unsure = call(app, "root", "DELETE", f"{near}")
    assert (unsure.status_code, unsure.get_json()["confirm"], waiting(app)) == (409, "sure", [])
    assert call(app, "root", "DELETE", f"{near}?sure=maybe").status_code == 400
    assert (call(app, "root", "DELETE", f"{near}?sure=true").status_code, waiting(app)) == (202, [(near, "mail")])
    app.config["UNDO_SECONDS"] = 0
    assert call(app, "root", "DELETE", f"{far}/copy").get_json()["confirm"] == "sure", "there is no time to undo it"


def test_what_happened_is_told_to_each_as_far_as_it_is_theirs(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    call(app, "root", "POST", f"{mail_id}/release", json={"to": [CAROL]})
    admins, bobs = (call(app, who, "GET", f"{mail_id}/timeline").get_json()["result"] for who in ("root", "bob"))
    released = next(line for line in admins if line.get("verb") == "mail.released")
    assert (released["to"], released["step"], released["by"]) == ([CAROL], "asked", "root")
    assert CAROL in released["sentence"]
    assert (CAROL in str(bobs), "root" in str(bobs), len(bobs)) == (False, False, 2)


def test_where_a_reason_is_wanted_it_stands_in_the_header(app: Flask) -> None:
    app.config["AUDIT_REASON"] = True
    mail_id = stored(app)
    for path in ("timeline", "lessons", "rescans", "requests"):
        assert call(app, "root", "GET", f"{mail_id}/{path}").status_code == 403
        assert call(app, "root", "GET", f"{mail_id}/{path}", headers={"X-Reason": "asked by bob"}).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"comment": "\\ud800"}', b'{"comment": 7}', b'{"comment": "\\u0000"}', b"[" * 100_000])
def test_what_is_no_object_of_words_is_refused(app: Flask, body: bytes) -> None:
    app.config["RELEASE_ROLES"] = ("Admin",)
    answer = call(app, "bob", "POST", f"{stored(app)}/request", data=body, content_type="application/json")
    assert (answer.status_code, bool(answer.get_json()["message"]), requests(app)) == (400, True, [])
