"""Exports: whole, capped, in time, one of few at once, and harmless in a spreadsheet."""

import csv
import io
import json

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.queries.search import Found
from tests.make import login, make_mails, make_user


def test_exports_hold_the_search_and_stop_at_the_cap(app: Flask) -> None:
    ids = make_mails(app, 7, subject="=HYPERLINK(1)")
    client = login(app, "admin")
    answer = client.get("/mails/export?format=csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=mails-")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [int(row["id"]) for row in rows] == ids[::-1]
    assert {row["subject"] for row in rows} == {"'=HYPERLINK(1)"}
    whole = json.loads(client.get("/mails/export?format=json").get_data(as_text=True))
    assert ([mail["id"] for mail in whole["mails"]], whole["complete"]) == ([str(mail_id) for mail_id in ids[::-1]], True)
    app.config["EXPORT_ROWS"] = 3
    cut = json.loads(client.get("/mails/export?format=json&action.is=reject").get_data(as_text=True))
    assert (len(cut["mails"]), cut["complete"]) == (3, False)
    assert "this export ends at 3" in client.get("/mails/export").get_data(as_text=True)
    assert client.get("/mails/export?format=exe").status_code == 400


def test_an_export_is_logged_and_needs_its_permission(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    make_user(app, "admin")
    with caplog.at_level("INFO"):
        login(app, "root").get("/mails/export?q=bob@example.com")
    assert any("root exports as csv: “bob@example.com”" in record.getMessage() for record in caplog.records)
    carol = login(app, "carol", role="Recipient")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.del_permission_role(sm.find_role("Recipient"), sm.find_permission_view_menu("can_export", "MailLogView"))
    assert carol.get("/mails/export").status_code in (302, 403)
    assert "format=csv" not in carol.get("/mails/list/").get_data(as_text=True)


def test_an_export_that_ran_out_of_time_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_mails(app, 3)
    client = login(app, "admin")
    monkeypatch.setattr("app.views.export.find", lambda *_args, before, **_more: Found([], searched_to=before))
    assert json.loads(client.get("/mails/export?format=json").get_data(as_text=True)) == {"mails": [], "complete": False}
    assert "There may be more" in client.get("/mails/export").get_data(as_text=True)
    monkeypatch.undo()
    app.config["EXPORT_SECONDS"] = 0.0
    assert json.loads(client.get("/mails/export?format=json").get_data(as_text=True))["complete"] is False


def test_an_export_that_the_database_leaves_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_mails(app, 3)

    def away(*_args: object, **_more: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    client = login(app, "admin")
    monkeypatch.setattr("app.views.export.find", away)
    assert json.loads(client.get("/mails/export?format=json").get_data(as_text=True)) == {"mails": [], "complete": False}
    assert "There may be more" in client.get("/mails/export").get_data(as_text=True)


def test_only_so_many_exports_run_at_once(app: Flask) -> None:
    make_mails(app, 1)
    client = login(app, "admin")
    running = [client.get("/mails/export", buffered=False) for _ in range(4)]
    assert client.get("/mails/export").status_code == 503
    for answer in running:
        answer.close()
    assert client.get("/mails/export").status_code == 200


@pytest.mark.parametrize("subject", ["=1", "x;=1", "x; +1", "x|@1", "\t=1", "-1"])
def test_no_cell_of_an_export_is_a_formula_whatever_separates_the_cells(app: Flask, subject: str) -> None:
    make_mails(app, 1, subject=subject)
    text = login(app, "admin").get("/mails/export").get_data(as_text=True)
    for separator in ",;|\t":
        cells = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
        assert not [cell for cell in cells if cell.strip().startswith(("=", "+", "@", "-"))]
