"""Each column of the mail log shows what it should, and nothing is read for a list that no column shows."""

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from app.extensions import db
from app.ids import id_time
from app.models import Mail
from tests.make import login, make_mails

_CELL = re.compile(r"<td[^>]* data-label=\"([^\"]+)\"[^>]*>(.*?)</td>", re.DOTALL)
_UNSEEN = set("identity queue_id message_id auth_user copy_digest copy_node mail_from_domain mime_from_domain".split())
_TAG = re.compile(r"<[^>]+>")


def cells(client: FlaskClient, mail_id: int) -> dict[str, str]:
    """A row's cells by their column's name, as they stand in the page."""
    text = client.get("/mails/list/").get_data(as_text=True)
    row = text.split(f'data-id="{mail_id}"')[1].split("</tr>")[0]
    return dict(_CELL.findall(row))


def words(cell: str) -> str:
    """Without the markup: an address in two pieces becomes one again."""
    return html.unescape(" ".join(_TAG.sub("", re.sub(r"</(a|time|bdi|b|i)>", " ", cell)).split()))


def make(app: Flask, columns: dict[str, Any], **fields: Any) -> int:
    [mail_id] = make_mails(app, 1, **fields)
    if columns:
        with app.app_context():
            db.session.execute(update(Mail).where(Mail.id == mail_id).values(columns))
            db.session.commit()
    return mail_id


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return login(app, "admin")


# What came in, what became of it since, the column, and its words.
ROWS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"action": "reject"}, {}, "Action", "Rejected in"),
    ({"action": "no action"}, {}, "Action", "Passed in"),
    ({"action": "something new"}, {}, "Action", "something new in"),
    ({"action": ""}, {}, "Action", "unknown in"),
    ({"score": 7.25}, {}, "Score", "7.25 / 15"),
    ({"score": -3.0}, {}, "Score", "-3 / 15"),
    ({"mail_from": "a.sender@example.net", "header_from": ""}, {}, "From", "a.sender@example.net"),
    ({"mail_from": "a@example.net", "header_from": "Boss <a@example.net>"}, {}, "From", "a@example.net"),
    ({"mail_from": "a@example.net", "header_from": "Boss <boss@bank.example>"}, {}, "From", "a@example.net boss@bank.example"),
    ({"mail_from": "", "header_from": "x@example.net"}, {}, "From", "<>x@example.net"),
    ({"recipients": ("one@example.com",)}, {}, "To", "one@example.com"),
    ({"recipients": ("one@example.com", "two@example.com", "three@example.com")}, {}, "To", "one@example.com +2"),
    ({"subject": "Grüße & <mehr>"}, {}, "Subject", "Grüße & <mehr>"),
    ({"subject": ""}, {}, "Subject", "(no subject)"),
    ({}, {"size": 999}, "Size", "999 B"),
    ({}, {"size": 1500}, "Size", "1.5 kB"),
    ({}, {"size": 25_400_000}, "Size", "25 MB"),
    ({}, {"node": "mx7"}, "Node", "mx7"),
    ({"subject": "M"}, {"has_virus": True}, "Subject", "M virus"),
    ({"subject": "M"}, {"has_risk": True}, "Subject", "M risky attachment"),
    ({"subject": "M"}, {"copy_state": "stored"}, "Subject", "M stored"),
    ({"subject": "M"}, {"copy_state": "deleted"}, "Subject", "M"),
    ({"subject": "M"}, {"notice_state": "sent"}, "Subject", "M notified"),
    ({"subject": "M"}, {"release_state": "released"}, "Subject", "M released"),
    ({"subject": "M"}, {"release_state": "failed"}, "Subject", "M"),
    ({"subject": "M"}, {"direction": "out"}, "Subject", "M out"),
    ({"action": "reject"}, {"direction": "out"}, "Action", "Rejected"),
    ({"subject": "M"}, {"listed": "deny"}, "Subject", "M deny list"),
    ({"subject": "M"}, {"listed": "allow"}, "Subject", "M allow list"),
]


def test_each_column_shows_what_it_should(app: Flask, admin: FlaskClient) -> None:
    ids = [make(app, columns, **fields) for fields, columns, _, _ in ROWS]
    found = [(column, words(cells(admin, mail_id)[column])) for mail_id, (_, _, column, _) in zip(ids, ROWS, strict=True)]
    assert found == [(column, expected) for _, _, column, expected in ROWS]


def test_the_time_is_the_viewers_and_the_action_keeps_rspamds_word_beside_its_own(app: Flask, admin: FlaskClient) -> None:
    mail_id = make(app, {}, action="add header")
    admin.set_cookie("mk_zone", "Asia/Kolkata")
    row = cells(admin, mail_id)
    utc = id_time(mail_id)
    assert f'datetime="{utc:%Y-%m-%dT%H:%M:%S}' in row["Time"]
    minutes = (utc.hour * 60 + utc.minute + 330) % 1440
    assert f" {minutes // 60:02}:{minutes % 60:02}:{utc:%S}" in words(row["Time"])
    assert 'title="add header"' in row["Action"]


@pytest.mark.parametrize(
    ("language", "score", "size", "day"), [("de", "1.234,5", "1,5 kB", "%d.%m.%Y"), ("el", "1.234,5", "1,5 kB", "%d/%m/%Y")]
)
def test_numbers_sizes_and_days_follow_the_viewers_language(
    app: Flask, admin: FlaskClient, language: str, score: str, size: str, day: str
) -> None:
    mail_id = make(app, {"size": 1500, "score": 1234.5})
    admin.set_cookie("mk_language", language)
    text = admin.get("/mails/list/").get_data(as_text=True)
    for expected in (score, f">{size}<", f">{id_time(mail_id).strftime(day)} "):
        assert expected in text
    exported = admin.get("/mails/export?format=csv").get_data(as_text=True)
    assert ",1234.5," in exported
    assert ",1500," in exported
    assert ",reject," in exported
    told = admin.get(f"/api/v1/mail/{mail_id}").get_json()["result"]
    assert (told["score"], told["size"], told["action"]) == (1234.5, 1500, "reject")


def test_a_day_as_the_german_screens_write_it_can_be_searched_for(app: Flask, admin: FlaskClient) -> None:
    mail_id = make(app, {})
    assert f'data-id="{mail_id}"' in admin.get(f"/mails/list/?time.on={id_time(mail_id):%d.%m.%Y}").get_data(as_text=True)


def test_a_list_reads_its_columns_and_nothing_of_the_details(app: Flask, admin: FlaskClient) -> None:
    make_mails(app, 3, symbols=({"name": "A", "score": 1.0},))
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    for path in ("/mails/list/", "/mails/list/?action.is=reject&stored.is=no", "/mails/newer?after=1", "/mails/export?format=csv"):
        statements.clear()
        assert admin.get(path).data
        ours = [statement for statement in statements if "FROM mail" in statement]
        read = {name for statement in ours for name in re.findall(r"\bmail\.(\w+)", statement.split("FROM mail")[0])}
        assert "subject" in read
        assert not read & _UNSEEN
        assert not [statement for statement in statements if "mail_detail" in statement]
