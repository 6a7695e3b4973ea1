"""The search of the log: its form, its URL, statistics, new rows, exports, searches under a name, and the quarantine's days."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.ids import id_at
from app.queries import quarantine
from app.queries.bounded import TooSlow
from app.services.insert import insert_entries
from tests.make import login, make_entry, make_mails, token


def shown(text: str) -> list[int]:
    return [int(part.split('"')[0]) for part in text.split('data-id="')[1:]]


def mail_at(app: Flask, moment: datetime, sequence: int = 0, **fields: object) -> int:
    entry = dataclasses.replace(make_entry(**fields), id=id_at(moment, 1, sequence))
    with app.app_context():
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def test_the_form_leads_to_the_one_url_of_its_search(app: Flask) -> None:
    client = login(app, "admin")
    query = [
        ("q", "bob"),
        ("f", "score"),
        ("o", "ge"),
        ("v", "5"),
        ("f", "sender"),
        ("o", "empty"),
        ("v", ""),
        ("f", ""),
        ("o", "is"),
        ("v", "x"),
    ]
    answer = client.get("/mails/find", query_string=query)
    assert (answer.status_code, answer.location) == (302, "/mails/list/?q=bob&score.ge=5&sender.empty=")


def test_the_search_stays_on_the_page_with_a_way_to_drop_each_filter(app: Flask) -> None:
    make_mails(app, 60, action="reject")
    text = login(app, "admin").get("/mails/list/?action.is=reject&score.ge=5").get_data(as_text=True)
    assert 'href="/mails/list/?score.ge=5"' in text
    assert 'href="/mails/list/?action.is=reject"' in text
    assert "action.is=reject&amp;score.ge=5" in text.split('rel="next"')[1][:300]


def test_a_search_that_cannot_be_read_is_told_beside_the_form(app: Flask) -> None:
    answer = login(app, "admin").get("/mails/list/?ip.is=nonsense&score.ge=5")
    assert answer.status_code == 400
    text = answer.get_data(as_text=True)
    assert "nonsense" in text
    assert 'value="nonsense"' in text
    assert "Traceback" not in text


def test_new_rows_come_by_themselves_and_only_those_that_fit(app: Flask) -> None:
    [old] = make_mails(app, 1, action="reject")
    client = login(app, "admin")
    [new] = make_mails(app, 1, action="reject")
    make_mails(app, 1, action="no action")
    answer = client.get(f"/mails/newer?action.is=reject&after={old}").get_json()
    assert shown(answer["rows"]) == [new, old]  # the last seconds once more: a mail may be committed late
    assert answer["newest"] == str(new)
    long_ago = mail_at(app, datetime.now(UTC) - timedelta(hours=1), action="reject")
    assert long_ago not in shown(client.get(f"/mails/newer?after={old}").get_json()["rows"])


def test_statistics_tell_of_the_search_and_of_nothing_else(any_app: Flask) -> None:
    make_mails(any_app, 3, action="reject", keep=True)
    ids = make_mails(any_app, 2, action="no action", symbols=({"name": "HEAVY", "score": 9.0},))
    client = login(any_app, "admin")
    found = client.get("/api/v1/mail/statistics").get_json()["result"]
    assert (found["count"], found["stored"], found["virus"]) == (5, 3, 0)
    assert found["actions"] == {"reject": 3, "no action": 2}
    found = client.get("/api/v1/mail/statistics?symbol.ge=HEAVY 9").get_json()["result"]
    assert (found["count"], found["actions"]) == (2, {"no action": 2})
    assert found["first"] <= found["last"]
    page = client.get("/mails/statistics?action.is=reject")
    assert b">3<" in page.data
    fragment = client.get("/mails/statistics?action.is=reject", headers={"X-Fragment": "1"})
    assert b"<html" not in fragment.data
    assert ids


def save(client: FlaskClient, name: str, query: str, **more: str) -> int:
    return client.post("/searches/save", data={"csrf_token": token(client), "name": name, "query": query} | more).status_code


def test_a_search_is_kept_found_replaced_and_deleted(app: Flask) -> None:
    client = login(app, "admin")
    assert save(client, "Big spam", "score.ge=5&q=a@b.example") == 302
    text = client.get("/mails/list/").get_data(as_text=True)
    assert "score.ge=5&amp;q=a%40b.example" in text
    assert save(client, "Big spam", "score.ge=9") == 302
    text = client.get("/mails/list/").get_data(as_text=True)
    assert "score.ge=9" in text
    assert "score.ge=5" not in text
    path = text.split('formaction="')[1].split('"')[0]
    assert client.post(path, data={"csrf_token": token(client)}).status_code == 302
    assert "Big spam" not in client.get("/mails/list/").get_data(as_text=True).replace("“Big spam”", "")


def test_a_kept_search_is_ones_own_unless_an_admin_shares_it(app: Flask) -> None:
    admin = login(app, "admin")
    assert save(admin, "For all", "virus.is=yes", shared="1") == 302
    assert save(admin, "For me", "virus.is=no") == 302
    carol = login(app, "carol", role="Recipient")
    text = carol.get("/mails/list/").get_data(as_text=True)
    assert "For all" in text
    assert "For me" not in text
    assert save(carol, "Mine", "virus.is=yes", shared="1") == 403
    assert save(carol, "Mine", "virus.is=yes") == 302
    path = admin.get("/mails/list/").get_data(as_text=True).split('formaction="')[1].split('"')[0]
    assert carol.post(path, data={"csrf_token": token(carol)}).status_code == 404


@pytest.mark.parametrize(
    ("name", "query"), [("", "score.ge=5"), ("x" * 101, "score.ge=5"), ("a\nb", ""), ("a", "nothing.is=1"), ("a", "score.ge=x")]
)
def test_what_is_no_search_is_not_kept(app: Flask, name: str, query: str) -> None:
    assert save(login(app, "admin"), name, query) == 400


def test_days_are_those_of_the_viewers_zone(app: Flask) -> None:
    late = mail_at(app, datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    client = login(app, "admin")
    assert shown(client.get("/mails/list/?time.on=2026-03-01").get_data(as_text=True)) == [late]
    client.set_cookie("mk_zone", "Europe/Athens")
    assert shown(client.get("/mails/list/?time.on=2026-03-01").get_data(as_text=True)) == []
    text = client.get("/mails/list/?time.on=2026-03-02").get_data(as_text=True)
    assert shown(text) == [late]
    assert "2026-03-02 01:30:00" in text
    client.set_cookie("mk_zone", "../../etc/passwd")
    assert shown(client.get("/mails/list/?time.on=2026-03-01").get_data(as_text=True)) == [late]


def test_the_quarantine_counts_stored_mails_by_day(any_app: Flask) -> None:
    today = datetime.now(UTC).replace(hour=12)
    for back, count in ((0, 2), (3, 1), (40, 1), (400, 1)):
        for number in range(count):
            mail_at(any_app, today - timedelta(days=back), number, keep=True, recipients=("bob@example.com", "carol@example.com"))
    mail_at(any_app, today - timedelta(days=1), keep=False)
    mail_at(any_app, today - timedelta(days=2), keep=True, recipients=("dave@example.com",))
    admin = login(any_app, "admin")
    text = admin.get("/quarantine/").get_data(as_text=True)
    days = [part.split('"')[0] for part in text.split('data-href="/quarantine/')[1:]]
    assert days == [(today - timedelta(days=back)).date().isoformat() for back in (0, 2, 3)]
    older = text.split('rel="next" href="')[1].split('"')[0]
    assert older.endswith((today - timedelta(days=40)).date().isoformat())
    text = admin.get(older).get_data(as_text=True)
    assert text.count('data-href="/quarantine/') == 1
    carol = login(any_app, "carol", role="Recipient")
    text = carol.get("/quarantine/").get_data(as_text=True)
    assert [part.split('"')[0] for part in text.split('data-href="/quarantine/')[1:]] == [days[0], days[2]]
    answer = carol.get(f"/quarantine/{days[0]}", follow_redirects=True)
    assert len(shown(answer.get_data(as_text=True))) == 2
    assert carol.get("/quarantine/soon").status_code == 400


def test_a_page_of_days_ends_where_enough_was_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "_MOST_COUNTED", 3)
    today = datetime.now(UTC).replace(hour=12)
    for back in range(5):
        for number in range(2):
            mail_at(app, today - timedelta(days=back), number, keep=True)
    admin, path, pages = login(app, "admin"), "/quarantine/", []
    while path:
        text = admin.get(path).get_data(as_text=True)
        pages.append(text.count('data-href="/quarantine/'))
        path = text.split('rel="next" href="')[1].split('"')[0] if 'rel="next"' in text else ""
    assert pages == [2, 2, 1]


def test_the_api_searches_as_the_list_does(app: Flask) -> None:
    make_mails(app, 3)
    [needle] = make_mails(app, 1, subject="needle in hay")
    client = login(app, "admin")
    for query in ("q=needle", "subject.contains=needle", "subject.starts=needle&score.ge=1"):
        assert [mail["id"] for mail in client.get(f"/api/v1/mail/?{query}").get_json()["result"]] == [str(needle)]
    answer = client.get("/api/v1/mail/?score.ge=many")
    assert (answer.status_code, answer.get_json()["message"]) == (400, "“many” is no number.")


def test_the_api_describes_itself(app: Flask) -> None:
    described = login(app, "admin").get("/api/v1/_openapi").get_json()["paths"]
    assert {"/api/v1/mail/", "/api/v1/mail/{mail_id}", "/api/v1/mail/statistics"} <= set(described)
    parameters = {parameter["name"] for parameter in described["/api/v1/mail/"]["get"]["parameters"]}
    assert parameters == {"q", "before", "after", "size"}


@pytest.mark.parametrize(
    "door", ["/mails/list/", "/mails/newer", "/mails/statistics", "/mails/export", "/api/v1/mail/", "/api/v1/mail/statistics"]
)
@pytest.mark.parametrize(
    "term", ["sender.starts=<>", "size.ge=" + "9" * 400, "time.ge=9999-12-31T00:00:00%2B00:00", "score=5", "after=9223372036854775807"]
)
def test_what_no_search_can_mean_is_refused_at_every_door(app: Flask, door: str, term: str) -> None:
    answer = login(app, "admin").get(f"{door}?{term}")
    if term.startswith("after") and door not in ("/mails/list/", "/mails/newer", "/api/v1/mail/"):
        assert answer.status_code == 200  # it has no pages
    else:
        assert answer.status_code == 400


def test_the_last_id_there_can_be_is_a_page_too(app: Flask) -> None:
    make_mails(app, 2)
    client = login(app, "admin")
    for query in ("after=9223372036854775806", "before=1", "after=1", "before=9223372036854775806"):
        assert client.get(f"/mails/list/?{query}").status_code == 200


def test_the_days_that_cannot_be_counted_in_time_say_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_args: object) -> None:
        raise TooSlow

    client = login(app, "admin")
    monkeypatch.setattr("app.queries.quarantine.fetch", slow)
    answer = client.get("/quarantine/")
    assert answer.status_code == 200
    assert "not counted in time" in answer.get_data(as_text=True)


def test_a_recipient_is_offered_no_filter_that_tells_of_others(app: Flask) -> None:
    make_mails(app, 1)
    client = login(app, "carol", role="Recipient")
    for term in ("headers.contains=secret", "symbol.is=BAYES_SPAM", "symbol.ge=BAYES_SPAM+1"):
        assert client.get(f"/mails/list/?{term}").status_code == 400
        assert client.get(f"/api/v1/mail/?{term}").status_code == 400
    text = client.get("/mails/list/").get_data(as_text=True)
    assert '"name": "subject"' in text or "subject" in text
    assert 'value="headers"' not in text
    assert login(app, "admin").get("/mails/list/?headers.contains=secret").status_code == 200


def test_more_new_rows_than_a_page_has_are_told_of(app: Flask) -> None:
    [old] = make_mails(app, 1)
    client = login(app, "admin")
    make_mails(app, 5)
    assert client.get(f"/mails/newer?after={old}&size=10").get_json()["more"] is False
    assert client.get(f"/mails/newer?after={old}&size=3").get_json()["more"] is True
