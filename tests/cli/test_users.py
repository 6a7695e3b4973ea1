"""flask users."""

import re

from click.testing import Result
from flask import Flask

from tests.make import login


def run(app: Flask, *words: str, text: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["users", *words], input=text)


def password_in(result: Result) -> str:
    found = re.search(r"shown this once: (\S+)", result.output)
    assert found, result.output
    return found[1]


def can_log_in(app: Flask, name: str, password: str) -> bool:
    answer = app.test_client().post("/api/v1/security/login", json={"username": name, "password": password, "provider": "db"})
    return answer.status_code == 200


def test_an_account_through_its_life(any_app: Flask) -> None:
    login(any_app, "admin")
    made = run(any_app, "add", "bob", "Bob@Example.com", "--alias", "b@example.org", "--first-name", "Bob")
    assert made.exit_code == 0, made.output
    assert can_log_in(any_app, "bob", password_in(made))
    assert "bob  bob@example.com +b@example.org  Recipient" in run(any_app, "list").output
    assert run(any_app, "list", "nobody").output == ""
    assert run(any_app, "passwd", "bob", "--password-stdin", text="Correct-Horse-99\n").output == "The password of bob is changed.\n"
    assert can_log_in(any_app, "bob", "Correct-Horse-99")
    assert run(any_app, "role", "bob", "domain admin", "Auditor").exit_code == 0
    assert run(any_app, "domains", "bob", "example.com", "EXAMPLE.org").exit_code == 0
    assert "Auditor, Domain admin looks after example.com, example.org" in run(any_app, "list", "bob").output
    assert run(any_app, "alias", "bob", "b@example.org", "--remove").exit_code == 0
    assert run(any_app, "disable", "BOB").exit_code == 0
    assert not can_log_in(any_app, "bob", "Correct-Horse-99")
    assert "switched off" in run(any_app, "list", "bob").output
    assert run(any_app, "enable", "bob").exit_code == 0
    assert can_log_in(any_app, "bob", "Correct-Horse-99")
    assert run(any_app, "delete", "bob", "--yes").exit_code == 0
    assert "bob" not in run(any_app, "list").output


def test_what_cannot_be_is_one_line(app: Flask) -> None:
    login(app, "admin")
    for words in (
        ("add", "admin", "x@example.com"),
        ("add", "x y", "x@example.com"),
        ("add", "x", "no address"),
        ("passwd", "nobody"),
        ("role", "admin", "Auditor"),
        ("role", "admin", "Public"),
        ("disable", "admin"),
        ("delete", "admin", "--yes"),
        ("alias", "admin", "a@b.example", "--remove"),
        ("domains", "admin", "no domain!"),
    ):
        result = run(app, *words)
        assert result.exit_code == 1, words
        assert result.output.startswith("Error: "), words
        assert result.output.count("\n") == 1
    assert run(app, "passwd", "admin", "--password-stdin", text="short\n").exit_code == 1


def test_people_may_be_many(app: Flask) -> None:
    login(app, "admin")
    for number in range(5):
        assert run(app, "add", f"user{number}", f"u{number}@example.com").exit_code == 0
    assert run(app, "list").output.count("\n") == 6


def test_an_account_whose_alias_does_not_fit_is_not_made(app: Flask) -> None:
    login(app, "admin")
    refused = run(app, "add", "bob", "bob@example.com", "--alias", "b@example.org", "--alias", "no address")
    assert refused.exit_code == 1
    assert run(app, "list", "bob").output == ""
