"""The screen of the audit trail: for admins and auditors, searched, paged, and as lines of JSON."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.actor import Actor
from app.extensions import db
from app.models import Verb
from app.services.audit import recorded
from tests.make import login, make_user

CAROL = Actor("carol", 7, "192.0.2.1")
DAVE = Actor("dave", 8, "2001:db8::1", on_behalf_of="erin")


def fill(app: Flask) -> None:
    """Events 1 to 4; the login that follows is the fifth."""
    with app.app_context():
        recorded(CAROL, Verb.LOGIN, "account", "carol", after={"way": "password"})
        recorded(DAVE, Verb.ROLES_SET, "account", "carol", before={"roles": ["Auditor"]}, after={"roles": ["Ädmin"]})
        recorded(CAROL, Verb.MAIL_READ, "mail", 4711, reason="100% <b>sure</b>")
        recorded(Actor("", None, "198.51.100.7"), Verb.LOGIN_FAILED, "account", "x_y")
        db.session.remove()


def shown(client: FlaskClient, query: str) -> list[str]:
    """What was done, newest first."""
    text = client.get(f"/audit/?{query}").get_data(as_text=True)
    return re.findall(r'<td data-label="What">([^<]*)</td>', text)


def exported(client: FlaskClient, query: str = "") -> list[int]:
    return [json.loads(line)["id"] for line in client.get(f"/audit/export?{query}").get_data(as_text=True).splitlines()]


SEARCHES = {
    "who=carol": [3, 1],
    "who=Carol": [],
    "verb=login": [5, 1],
    "verb=login.failed": [4],
    "target=carol": [2, 1],
    "target=4711": [3],
    "ip=2001:db8::1": [2],
    "text=erin": [2],
    "text=DMIN": [2],
    "text=0%25": [3],
    "text=x_y": [4],
    "text=xzy": [],
    "text=SURE": [3],
    "who=carol&verb=mail.read&target=4711&text=sure": [3],
    "until=2026-01-31": [],
    "from=2100-01-01": [],
    "from=today&until=today&who=dave": [2],
}


def test_a_search_finds(any_app: Flask) -> None:
    fill(any_app)
    boss = login(any_app, "boss")
    assert {query: len(shown(boss, query)) for query in SEARCHES} == {query: len(found) for query, found in SEARCHES.items()}
    # Each export is an event, too.
    assert {query: [number for number in exported(boss, query) if number <= 5] for query in SEARCHES} == SEARCHES


@pytest.mark.parametrize(
    "query", ["verb=nonsense", "from=soon", "until=2026-13-01", "text=" + "x" * 201, "size=0", "before=0", "before=x", "who=%00"]
)
def test_what_cannot_be_searched_for_is_said(app: Flask, query: str) -> None:
    boss = login(app, "boss")
    answer = boss.get(f"/audit/?{query}")
    assert answer.status_code == 400
    assert b'role="alert"' in answer.data


def test_pages_go_back_by_key_and_skip_nothing(app: Flask) -> None:
    fill(app)
    boss = login(app, "boss")
    seen, path = [], "/audit/?size=2"
    for _ in range(9):
        text = boss.get(path).get_data(as_text=True)
        seen.append(len(re.findall(r"<tr>\s*<td", text)))
        link = re.search(r'rel="next" href="([^"]+)"', text)
        if not link:
            break
        path = link[1].replace("&amp;", "&")
        fill(app)  # what comes meanwhile is not of these pages
    assert seen == [2, 2, 1]
    assert "Newest" in text


def test_words_are_looked_for_a_stretch_at_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.queries.audit._LOOKED_AT", 2)
    fill(app)
    boss = login(app, "boss")
    text = boss.get("/audit/?text=password&who=carol").get_data(as_text=True)
    assert "No events here" in text
    link = re.search(r'rel="next" href="([^"]+)"', text)
    assert link
    assert "before=4" in link[1]
    assert [number for number in exported(boss, "text=password&who=carol") if number <= 5] == [1]


def test_what_is_shown_is_escaped_and_complete(app: Flask) -> None:
    fill(app)
    text = login(app, "boss").get("/audit/").get_data(as_text=True)
    for words in (
        "100% &lt;b&gt;sure&lt;/b&gt;",
        "for erin",
        "a visitor",
        "/mails/show/4711",
        "192.0.2.1",
        "Auditor",
        "Ädmin",
        "read the message",
    ):
        assert words in text


def test_an_export_is_an_event_itself_and_complete(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.queries.audit._AT_ONCE", 2)
    fill(app)
    boss = login(app, "boss")
    assert exported(boss) == [6, 5, 4, 3, 2, 1]
    answer = boss.get("/audit/export?who=carol")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=audit-")
    last = json.loads(boss.get("/audit/export?verb=audit.exported").get_data(as_text=True).splitlines()[0])
    assert (last["actor"], last["after"]) == ("boss", {"verb": "audit.exported"})


def test_it_is_for_who_may_see_all_mail(app: Flask) -> None:
    make_user(app, "boss")
    assert app.test_client().get("/audit/").status_code in (302, 401)
    auditor = login(app, "auditor", role="Auditor")
    assert "/audit/" in auditor.get("/mails/list/").get_data(as_text=True)
    assert [auditor.get(path).status_code for path in ("/audit/", "/audit/export")] == [200, 200]
    for role in ("Domain admin", "Recipient"):
        client = login(app, role[:3].lower(), role=role)
        assert [client.get(path).status_code for path in ("/audit/", "/audit/export")] == [403, 403]
        assert "/audit/" not in client.get("/mails/list/").get_data(as_text=True)


def test_a_permission_alone_opens_nothing(app: Flask) -> None:
    make_user(app, "boss")
    client = login(app, "carol", role="Of the site")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.add_permission_role(sm.find_role("Of the site"), sm.find_permission_view_menu("can_list", "AuditView"))
    assert [client.get(path).status_code for path in ("/audit/", "/audit/export")] == [403, 403]
