"""flask mailkeep init: what a deployment runs once, and may run again."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from app.extensions import db
from app.models import Node

QUIET = {"MAILKEEP_ADMIN_USER": None, "MAILKEEP_ADMIN_PASSWORD": None, "MAILKEEP_ADMIN_EMAIL": None}


def init(runner: FlaskCliRunner, **environment: str | None) -> str:
    done = runner.invoke(args=["mailkeep", "init"], env=QUIET | environment)
    assert done.exit_code == 0, done.output
    return str(done.output)


def accounts(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        return [(user.username, user.email) for user in app.extensions["appbuilder"].sm.get_all_users()]


def test_it_registers_the_node_and_makes_the_first_admin(any_app: Flask) -> None:
    runner = any_app.test_cli_runner()
    told = init(runner)
    password = re.search(r"Password: +(\S+)", told)
    assert "This server is node mx1, number 1." in told
    assert password
    with any_app.app_context():
        user = any_app.extensions["appbuilder"].sm.auth_user_db("admin", password[1])
        assert [role.name for role in user.roles] == ["Admin"]


def test_again_it_changes_nothing_and_shows_no_password(any_app: Flask) -> None:
    runner = any_app.test_cli_runner()
    init(runner)
    assert "Password" not in init(runner)
    assert accounts(any_app) == [("admin", "admin@localhost")]
    with any_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Node)) == 1


def test_the_admin_can_come_from_the_environment_and_is_not_shown(app: Flask, runner: FlaskCliRunner) -> None:
    told = init(runner, MAILKEEP_ADMIN_USER="olga", MAILKEEP_ADMIN_PASSWORD="Correct-Horse-99", MAILKEEP_ADMIN_EMAIL="olga@example.com")
    assert "Correct-Horse-99" not in told
    assert accounts(app) == [("olga", "olga@example.com")]


@pytest.mark.parametrize("command", [["mailkeep", "init"], ["db", "check"]])
def test_a_database_without_tables_is_one_clear_line(command: list[str], tmp_path) -> None:
    from tests.apps import close, make_app

    app = make_app(f"sqlite:///{tmp_path}/empty.db", tmp_path)
    done = app.test_cli_runner().invoke(args=command, env=QUIET)
    close(app)
    assert done.exit_code != 0
    assert "Traceback" not in done.output
