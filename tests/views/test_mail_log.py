"""The first screen: the list, the page of one mail, the API, and who sees what in each."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.extensions import db
from tests.make import login, make_mails, make_user, token


def page(client: FlaskClient, path: str = "/mails/list/", **query: object) -> str:
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.data
    return answer.get_data(as_text=True)


def shown(text: str) -> list[int]:
    return [int(part.split('"')[0]) for part in text.split('data-id="')[1:]]


def test_pages_by_key_show_every_mail_once_newest_first(any_app: Flask) -> None:
    ids = make_mails(any_app, 123)
    client = login(any_app, "admin")
    seen: list[int] = []
    query: dict[str, object] = {}
    while True:
        text = page(client, **query)
        seen += shown(text)
        if 'rel="next"' not in text:
            break
        query = {"before": seen[-1]}
    assert seen == ids[::-1]
    back = shown(page(client, after=seen[49]))
    assert back == seen[:49]
    assert "<b>123</b>" in text


def test_the_list_never_counts_or_skips_its_way(any_app: Flask) -> None:
    make_mails(any_app, 60)
    client = login(any_app, "admin")
    page(client)
    statements: list[str] = []
    skipped: list[object] = []

    def listen(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append(" ".join(statement.split()))
        if "OFFSET" in statement.upper() and "FROM mail" in statement:
            skipped.append(tuple(parameters)[-1])  # type: ignore[arg-type] - SQLite's dialect always writes OFFSET, as 0

    with any_app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    page(client, before=1 << 62)
    mine = [statement for statement in statements if "FROM mail" in statement and not re.search("FROM mail_(deletion|request)", statement)]
    assert len(mine) == 3  # count, the next ids, their rows
    assert set(skipped) <= {0}
    counting = next(statement for statement in mine if "count(*)" in statement)
    assert "LIMIT" in counting
    rows = next(statement for statement in mine if "count(*)" not in statement)
    assert "ORDER BY mail.id DESC" in rows
    for heavy in ("headers", "symbols", "message_id", "identity"):
        assert heavy not in rows
    assert sum("FROM mail_deletion" in statement for statement in statements) == 1
    assert len(statements) < 15


@pytest.mark.parametrize(("role", "most"), [("Admin", 14), ("Auditor", 14), ("Domain admin", 19), ("Recipient", 18)])
def test_whose_mail_it_is_is_found_out_once_for_a_list(app: Flask, role: str, most: int) -> None:
    make_mails(app, 5)
    client = login(app, "bob", role)
    page(client)
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    page(client)
    assert sum("FROM user_address" in statement for statement in statements) == (most > 14)
    assert len(statements) <= most


def test_counting_stops_at_the_cap(app: Flask) -> None:
    make_mails(app, 30)
    app.config["COUNT_CAP"] = 20
    assert "<b>20+</b>" in page(login(app, "admin"))


def test_an_empty_log_says_what_to_do(app: Flask) -> None:
    assert "flask nodes add" in page(login(app, "admin"))


def test_an_empty_log_gives_no_admins_advice_to_others(app: Flask) -> None:
    make_user(app, "admin")
    shown = page(login(app, "bob", role="Recipient"))
    assert "flask nodes add" not in shown
    assert "No mail to your address" in shown


def test_a_filter_finds_what_it_says(any_app: Flask) -> None:
    make_mails(any_app, 5)
    needle = {
        "mail_from": "needle@example.net",
        "ip": "2001:db8::7",
        "action": "discard",
        "queue_id": "NEEDLE",
        "message_id": "needle@example.net",
    }
    make_mails(any_app, 1, recipients=("first@example.org", "Second@Example.org"), **needle)
    admin = login(any_app, "admin")
    for query, hits in (
        ({"rcpt.is": "SECOND@example.org"}, 1),
        ({"rcpt.is": "nobody@example.org"}, 0),
        ({"sender.is": "Needle@Example.net"}, 1),
        ({"sender_domain.is": "example.net"}, 6),
        ({"ip.is": "2001:db8::/64"}, 1),
        ({"q": "NEEDLE@example.net"}, 1),
        ({"action.is": "discard", "queue_id.is": "other"}, 0),
    ):
        assert len(shown(page(admin, **query))) == hits, query


def test_filters_stay_when_paging(app: Flask) -> None:
    make_mails(app, 60)
    text = page(login(app, "admin"), **{"action.is": "reject"})
    assert "action.is=reject" in text.split('rel="next"')[1][:300]


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", f"before={1 << 64}", "after=%00", "ip.is=nonsense", "nothing.is=1", "sender.ge=1", "size=1000"]
)
def test_a_bad_parameter_is_a_400_page(app: Flask, query: str) -> None:
    answer = login(app, "admin").get(f"/mails/list/?{query}")
    assert answer.status_code == 400
    assert b"Traceback" not in answer.data


def test_the_page_of_a_mail_shows_all_of_it_escaped(app: Flask) -> None:
    evil = "<script>alert(1)</script>"
    symbols = ({"name": "LIGHT", "score": 0.1}, {"name": "HEAVY", "score": -9.0, "options": [evil]})
    [mail_id] = make_mails(
        app,
        1,
        subject=evil,
        header_from=f"{evil} <x@y>",
        headers=f"X: {evil}",
        symbols=symbols,
        user=evil,
        queue_id=evil,
        recipients=(evil,),
    )
    client = login(app, "admin")
    for text in (page(client, f"/mails/show/{mail_id}"), page(client)):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
    text = page(client, f"/mails/symbols/{mail_id}")
    assert text.index("HEAVY") < text.index("LIGHT")
    assert "<script>alert" not in text


@pytest.mark.parametrize("mail_id", ["0", "1", "abc", "-5", "9" * 30, "9223372036854775808", "1.5"])
def test_a_mail_that_is_not_there_is_a_404(app: Flask, mail_id: str) -> None:
    assert login(app, "admin").get(f"/mails/show/{mail_id}").status_code == 404


def test_everybody_sees_only_mail_to_themselves_in_every_door(any_app: Flask) -> None:
    [mine] = make_mails(any_app, 1, recipients=("x@example.org", "Carol@Example.com"), subject="for carol")
    [other] = make_mails(any_app, 1, recipients=("bob@example.com",), subject="for bob", headers="secret")
    make_user(any_app, "admin")
    carol = login(any_app, "carol", role="Recipient")
    assert shown(page(carol)) == [mine]
    assert shown(page(carol, **{"action.is": "reject"})) == [mine]
    assert "for carol" in page(carol, f"/mails/show/{mine}")
    assert carol.get(f"/mails/show/{other}").status_code == 404
    listed = carol.get("/api/v1/mail/").get_json()
    assert [mail["id"] for mail in listed["result"]] == [str(mine)]
    assert listed["count"] == 1
    assert carol.get(f"/api/v1/mail/{mine}").get_json()["result"]["subject"] == "for carol"
    assert carol.get(f"/api/v1/mail/{other}").status_code == 404


def test_a_stranger_sees_nothing(app: Flask, client: FlaskClient) -> None:
    [mail_id] = make_mails(app, 1)
    make_user(app, "admin")
    assert client.get("/mails/list/").status_code == 302
    assert client.get(f"/mails/show/{mail_id}").status_code == 302
    assert client.get("/api/v1/mail/").status_code == 401
    assert client.get(f"/api/v1/mail/{mail_id}").status_code == 401
    assert client.get("/").headers["Location"].startswith("/login")


def test_the_api_pages_by_key_with_ids_as_text(app: Flask) -> None:
    ids = make_mails(app, 7)
    client = login(app, "admin")
    first = client.get("/api/v1/mail/?size=4").get_json()
    second = client.get(f"/api/v1/mail/?size=4&before={first['older']}").get_json()
    assert [mail["id"] for mail in first["result"] + second["result"]] == [str(mail_id) for mail_id in ids[::-1]]
    assert (second["older"], first["count"], first["count_is_complete"]) == (None, 7, True)
    for bad in ("size=0", "size=x", "size=100000", "before=x"):
        answer = client.get(f"/api/v1/mail/?{bad}")
        assert (answer.status_code, list(answer.get_json())) == (400, ["message"])


def test_logging_out_needs_a_post_with_its_token(app: Flask) -> None:
    client = login(app, "admin")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 400
    assert client.post("/logout/", data={"csrf_token": token(client)}).status_code == 302
    assert client.get("/mails/list/").status_code == 302


def test_every_page_carries_the_security_headers(app: Flask) -> None:
    client = login(app, "admin")
    for path in ("/login/", "/mails/list/", "/nothing-here"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "nonce" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_script_stands_in_a_page_and_nothing_is_loaded_from_elsewhere(app: Flask) -> None:
    make_mails(app, 3)
    client = login(app, "admin")
    for path in ("/mails/list/", "/people/", "/people/new", "/people/1", "/roles/add", "/roles/show/1", "/profile/"):
        text = page(client, path)
        for script in text.split("<script")[1:]:
            assert "src=" in script.split(">")[0], (path, script[:200])
        assert " style=" not in text
        assert " onclick=" not in text
        for scheme in ("http://", "https://", 'src="//'):
            assert f'src="{scheme}' not in text
            assert f'href="{scheme}' not in text


def test_an_error_page_is_ours_and_tells_no_inside(app: Flask) -> None:
    client = login(app, "admin")
    answer = client.get("/mails/show/1")
    assert answer.status_code == 404
    assert b"mk-error" in answer.data
    answer = client.get("/api/v1/mail/1")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")


def test_roles_can_be_made_on_a_migrated_database(any_app: Flask) -> None:
    """FAB's sequences, which no migration made on MariaDB, would fail here."""
    make_user(any_app, "admin")
    with any_app.app_context():
        sm = any_app.extensions["appbuilder"].sm
        assert sm.add_role("Another").id
        assert sm.find_role("Another") is not None


def test_syncing_permissions_twice_changes_nothing(app: Flask) -> None:
    from app.services.people import ensure_admin
    from app.services.permissions import sync_permissions

    def permissions() -> set[tuple[str, str]]:
        with app.app_context():
            sm = app.extensions["appbuilder"].sm
            return {(p.permission.name, p.view_menu.name) for p in sm.find_role("Admin").permissions}

    with app.app_context():
        sync_permissions()
    first = permissions()
    with app.app_context():
        sync_permissions()
    assert permissions() == first
    assert ("can_list", "MailLogView") in first
    with app.app_context():
        assert ensure_admin("root", "Some-Pass-123", "root@example.com") is True
        assert ensure_admin("root2", "Some-Pass-123", "root2@example.com") is False
