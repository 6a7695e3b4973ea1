"""Statistics: everybody sees the sums of what they look after, on the screen, in the file and through the API; each leads to its mails."""

import csv
import dataclasses
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, event, select

from app.clock import stored_now, utcnow
from app.extensions import db
from app.models import DomainAlias, Mail, UserDomain
from app.services import rollups
from app.services.insert import insert_entries
from app.services.job import Report
from tests.make import login, make_entry, make_mails, make_node
from tests.retention import old
from tests.views.people import domain_admin

FOREIGN = "foreign.example"


@pytest.fixture
def counted(app: Flask) -> Flask:
    """Of today: three of example.com (one in its other name), two elsewhere, one to both; and one of last month."""
    with app.app_context():
        db.session.add(DomainAlias(alias="example.net", domain="example.com", created_at=stored_now()))
        db.session.commit()
    make_mails(app, 2, recipients=("bob@example.com",), size=500, scan_ms=20.0)
    make_mails(app, 1, recipients=("bob@example.net",), action="no action", size=700)
    make_mails(app, 2, recipients=(f"eve@{FOREIGN}",), action="=add header", mail_from="x@sender.example")
    make_mails(app, 1, recipients=("bob@example.com", f"eve@{FOREIGN}"), action="greylist", user="bob")
    old(app, 31, "bob@example.com")
    count(app)
    return app


def count(app: Flask) -> None:
    with app.app_context():
        rollups.run(Report(whole=True))
        db.session.remove()


def text_of(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return html.unescape(answer.get_data(as_text=True))


def api(client: FlaskClient, query: str = "") -> Any:
    answer = client.get(f"/api/v1/statistics{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def actions(answer: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for bar in answer["bars"]:
        for action, each in bar["actions"].items():
            found[action] = found.get(action, 0) + each["mails"]
    return found


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_an_admin_sees_all_of_it_and_each_number_leads_to_its_mails(counted: Flask, zone: str) -> None:
    client = login(counted, "root")
    client.set_cookie("mk_zone", zone)
    page = text_of(client, "/statistics/?stretch=24h")
    links = re.findall(r'<a href="(/mails/list/\?[^"]+)" aria-label="([^"]+)"', page)
    assert links
    seen = 0
    for url, label in links:
        rows = text_of(client, url).count('data-id="')
        assert f": {rows} mails (" in label
        seen += rows
    assert seen == 6
    for needle, rows in (("action.is=reject", 2), ("rcpt_domain.is=" + FOREIGN, 3), ("sender_domain.is=sender.example", 2)):
        url = next(url for url in re.findall(r'href="(/mails/list/\?[^"]+)"', page) if needle in url)
        assert text_of(client, url).count('data-id="') == rows
    assert "Counted up to" in page
    assert "style=" not in page.split('id="mk-main"')[1]
    found = api(client, "?stretch=12m")
    assert (found["total"]["mails"], actions(found)["reject"]) == (7, 3)
    assert {each["name"]: each["mails"] for each in found["domains"]} == {"example.com": 4, FOREIGN: 3, "example.net": 1}
    assert {each["name"]: each["mails"] for each in found["senders"]} == {"example.net": 5, "sender.example": 2}
    assert found["total"]["mean_scan_ms"] == 20.0
    assert actions(api(client, "?direction=out")) == {"greylist": 1}
    assert actions(api(client, "?domain=@FOREIGN.example")) == {"=add header": 2, "greylist": 1}
    assert actions(api(client, "?node=mx9")) == {}
    assert api(login(counted, "watcher", role="Auditor"))["total"]["mails"] == 6


def test_a_domain_admin_sees_the_sums_of_his_domains_and_their_aliases_alone(counted: Flask) -> None:
    client = domain_admin(counted, "example.com")
    make_mails(counted, 3, recipients=("chief@" + FOREIGN,))
    count(counted)
    for path in ("/statistics/", "/statistics/export", "/statistics/?stretch=12m", "/statistics/?domain=example.net"):
        page = text_of(client, path)
        assert FOREIGN not in page
        assert "sender.example" not in page
        assert "=add header" not in page
    found = api(client)
    assert actions(found) == {"reject": 2, "no action": 1, "greylist": 1}
    assert {each["name"]: each["mails"] for each in found["domains"]} == {"example.com": 3, "example.net": 1}
    assert not {"senders", "viruses"} & set(found)
    assert actions(api(client, "?domain=example.net")) == {"no action": 1}
    for asked in (FOREIGN, "nowhere.example", "%00", "x" * 300):
        codes = {client.get(f"/{door}?domain={asked}").status_code for door in ("statistics/", "statistics/export", "api/v1/statistics")}
        assert codes == ({404} if "." in asked else {400}), asked
    with counted.app_context():
        db.session.execute(delete(UserDomain))
        db.session.commit()
    assert api(client)["total"]["mails"] == 0
    assert "for who looks after one" in text_of(client, "/statistics/")


def test_recipients_have_no_door_to_it(counted: Flask) -> None:
    client = login(counted, "bob", role="Recipient")
    for path in ("/statistics/", "/statistics/export", "/api/v1/statistics"):
        assert client.get(path).status_code in (302, 403)
    assert "/statistics/" not in text_of(client, "/mails/list/")


def test_sums_stay_when_mails_go_and_lead_nowhere_then(counted: Flask) -> None:
    with counted.app_context():
        newest = max(db.session.scalars(select(Mail.id)))
        db.session.execute(delete(Mail).where(Mail.id != newest))
        db.session.commit()
    count(counted)
    client = login(counted, "root")
    day = (utcnow() - timedelta(days=31)).date()
    page = text_of(client, f"/statistics/?from={day - timedelta(days=1)}&to={day + timedelta(days=1)}")
    assert 'aria-label="' in page
    assert "/mails/list/?time" not in page
    assert "those from before are only counted" in page
    assert api(client, "?stretch=12m")["total"]["mails"] >= 1


def test_the_file_has_a_line_for_each_bar_and_action_and_no_formula(counted: Flask) -> None:
    answer = login(counted, "root").get("/statistics/export?stretch=24h")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert {row["action"] for row in rows} == {"reject", "no action", "'=add header", "greylist"}
    assert sum(int(row["mails"]) for row in rows) == 6
    assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["stretch=9d", "from=soon", "from=2026-02-01&to=2026-01-01", "direction=up", "node=%00", "to=9999-12-31"])
def test_what_cannot_be_asked_for_is_said(counted: Flask, query: str) -> None:
    client = login(counted, "root")
    assert 'role="alert"' in text_of(client, f"/statistics/?{query}", 400)
    assert client.get(f"/statistics/export?{query}").status_code == 400
    assert client.get(f"/api/v1/statistics?{query}").status_code == 400


def test_a_new_site_is_told_that_nothing_is_counted_yet(app: Flask) -> None:
    make_node(app, "mx2")
    client = login(app, "root")
    assert "Nothing is counted yet" in text_of(client, "/statistics/")
    count(app)
    assert "No mails came in this stretch" in text_of(client, "/statistics/")


def test_of_several_viruses_none_leads_to_the_mails_of_all(app: Flask) -> None:
    """The log knows which mails have a virus, not which one."""
    client = login(app, "root")
    for number, virus in enumerate(("Eicar", "Melissa")):
        entry = dataclasses.replace(make_entry(), virus=virus)
        with app.app_context():
            insert_entries(db.engine, [entry], "mx1")
        count(app)
        viruses = text_of(client, "/statistics/").split("Viruses</h2>")[1].split("</section>")[0]
        assert (virus in viruses, "virus.is=yes" in viruses) == (True, number == 0)


def test_what_strangers_call_their_domains_stays_text(app: Flask) -> None:
    make_mails(app, 1, recipients=('a@<script>alert("1")</script>.example',), mail_from="x@<img src=x>", action="<b>odd")
    count(app)
    answer = login(app, "root").get("/statistics/").get_data(as_text=True)
    for tag in ("<script>alert", "<img src=x", "<b>odd"):
        assert tag not in answer
    assert "&lt;script&gt;" in answer


def test_a_screen_of_a_year_asks_little(counted: Flask) -> None:
    """Of the sums: the bars, three lists and the nodes, each once; of the mails only which is the oldest."""
    client = login(counted, "root")
    text_of(client, "/statistics/?stretch=12m")
    statements: list[str] = []
    with counted.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    text_of(client, "/statistics/?stretch=12m")
    assert sum("ly_count" in each for each in statements) == 5
    assert sum(bool(re.search(r"FROM mail\b(?!_)", each)) for each in statements) == 1
