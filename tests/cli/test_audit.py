"""flask audit: whether the chain is whole, every event as JSON, and the last ones."""

import json
import pathlib

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import update

from app.actor import Actor
from app.extensions import db
from app.models import AuditEvent, Verb
from app.services.audit import recorded
from tests.cli.test_nodes import run
from tests.make import make_user

BOSS = Actor("boss", 1, "192.0.2.1", on_behalf_of="carol")


def fill(app: Flask, count: int = 3) -> None:
    with app.app_context():
        for number in range(count):
            recorded(BOSS, Verb.MAIL_READ, "mail", 70 + number, reason="asked\nfor", after={"ü": number})


def test_it_says_whether_the_chain_is_whole(app: Flask, runner: FlaskCliRunner) -> None:
    assert "no event yet" in run(runner, "audit", "verify")
    fill(app)
    with app.app_context():
        digest = db.session.get_one(AuditEvent, 3).digest
    assert f"3 events, the last one with the digest {digest}" in run(runner, "audit", "verify")
    with app.app_context():
        db.session.execute(update(AuditEvent.__table__).where(AuditEvent.__table__.c.id == 2).values(reason=""))
        db.session.commit()
    assert "broken at event 2" in run(runner, "audit", "verify", fails=True)


def test_every_event_is_exported_as_a_line_of_json(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    fill(app)
    lines = [json.loads(line) for line in run(runner, "audit", "export").splitlines()]
    assert [line["id"] for line in lines] == [1, 2, 3, 4]
    assert lines[1] | {"at": "", "digest": "", "previous": ""} == {
        "id": 2,
        "at": "",
        "actor": "boss",
        "user_id": 1,
        "on_behalf_of": "carol",
        "ip": "192.0.2.1",
        "verb": "mail.read",
        "target_kind": "mail",
        "target_id": "71",
        "reason": "asked\nfor",
        "before": None,
        "after": {"ü": 1},
        "digest": "",
        "previous": "",
    }
    assert lines[1]["previous"] == lines[0]["digest"]
    assert lines[1]["at"].endswith("+00:00")
    assert (lines[3]["verb"], lines[3]["actor"][:13]) == ("audit.exported", "command line:")
    run(runner, "audit", "export", "--after", "3", "--output", f"{tmp_path}/audit.jsonl")
    assert [json.loads(line)["id"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()] == [4, 5]


def test_a_password_that_fab_sets_is_told_of(app: Flask, runner: FlaskCliRunner) -> None:
    """As `flask fab reset-password` does."""
    make_user(app, "carol")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        sm.reset_password(sm.find_user("carol").id, "Another-Horse-77")
    assert "command line: " in run(runner, "audit", "tail")
    assert run(runner, "audit", "tail").endswith("account.password account carol\n")


def test_the_last_events_one_a_line(app: Flask, runner: FlaskCliRunner) -> None:
    fill(app, 4)
    lines = run(runner, "audit", "tail", "-n", "2").splitlines()
    assert [line.split()[0] for line in lines] == ["3", "4"]
    assert lines[1].endswith("boss for carol  192.0.2.1  mail.read mail 73  asked?for")
