"""flask retention and flask hold: what would go, what goes, and what a hold keeps."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.extensions import db
from app.models import LegalHold
from tests.retention import old, states


def test_it_is_told_before_and_done_then(app: Flask, runner: FlaskCliRunner) -> None:
    ids = [old(app, 400), old(app, 200)]
    told = runner.invoke(args=["retention", "--dry-run"]).output
    assert "mails (default, 366 days): 1 would go" in told
    assert "copies (default, 180 days): 1 would go" in told
    assert states(app, *ids) == ["stored", "stored"]
    assert runner.invoke(args=["retention"]).output == told.replace("would go", "gone")
    assert states(app, *ids) == ["gone", "deleted"]


def test_a_hold_of_a_search_means_what_it_meant(app: Flask, runner: FlaskCliRunner) -> None:
    meant = old(app, 400, subject="Plans for the bridge", ip="192.0.2.9", symbols=({"name": "PLANS", "score": 4.0},))
    other = old(app, 400, subject="Plans for the bridge", ip="203.0.113.9")
    terms = [
        "subject.contains=BRIDGE",
        "ip.is=192.0.2.0/24",
        "time.le=today",
        "score.between=1..20",
        "symbol.ge=PLANS 3",
        "virus.is=no",
        "s@example.net",
    ]
    words = [*terms[:-1], "sender@example.net"]
    assert runner.invoke(args=["hold", "add", "search", *words, "--reason", "court"]).output == "Hold 1 stands.\n"
    runner.invoke(args=["retention"])
    assert states(app, meant, other) == ["stored", "gone"]
    assert "subject.contains=BRIDGE" in runner.invoke(args=["hold", "list"]).output
    assert runner.invoke(args=["hold", "lift", "1"]).output == "Hold 1 is lifted.\n"
    assert (runner.invoke(args=["hold", "list"]).output, runner.invoke(args=["hold", "lift", "1"]).exit_code) == ("", 1)
    runner.invoke(args=["retention"])
    assert states(app, meant) == ["gone"]


@pytest.mark.parametrize(
    "words",
    [
        ["mail", "12"],
        ["mail", "-1"],
        ["mail", "x"],
        ["address", "nobody"],
        ["domain", "a b"],
        ["search", ""],
        ["search", "no.such=1"],
        ["domain", "a.example", "b.example"],
    ],
)
def test_what_cannot_be_held_is_refused_with_a_sentence(app: Flask, runner: FlaskCliRunner, words: list[str]) -> None:
    answer = runner.invoke(args=["hold", "add", "--reason", "court", "--", *words])
    assert (answer.exit_code, answer.output[:7]) == (1, "Error: ")
    with app.app_context():
        assert db.session.query(LegalHold).count() == 0


def test_a_hold_needs_a_reason_and_stands_once(app: Flask, runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["hold", "add", "domain", "example.com", "--reason", " "]).exit_code == 1
    assert runner.invoke(args=["hold", "add", "domain", "@Example.com", "--reason", "court"]).exit_code == 0
    assert runner.invoke(args=["hold", "add", "domain", "example.com", "--reason", "court"]).exit_code == 1
