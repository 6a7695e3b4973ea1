"""flask domains, and what the command line changes of nodes and accounts: each is an event."""

import json
import pathlib

import flask_appbuilder.cli
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent
from tests.cli.test_nodes import ADD, run
from tests.make import PASSWORD


def told(app: Flask) -> list[tuple[str, str, str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        assert all(row.actor.startswith("command line: ") for row in rows)
        return [(row.verb, row.target_id, row.before, row.after) for row in rows]


def test_aliases_come_and_go(app: Flask, runner: FlaskCliRunner) -> None:
    assert run(runner, "domains", "alias", "Alias.Example", "example.com") == "alias.example stands for example.com.\n"
    assert "is an alias itself" in run(runner, "domains", "alias", "example.com", "alias.example", fails=True)
    assert run(runner, "domains", "list") == "alias.example  example.com\n"
    run(runner, "domains", "unalias", "alias.example")
    assert "is no alias" in run(runner, "domains", "unalias", "alias.example", fails=True)
    assert told(app) == [
        ("domain.alias.added", "alias.example", "", '{"domain": "example.com"}'),
        ("domain.alias.removed", "alias.example", '{"domain": "example.com"}', ""),
    ]


def test_what_is_done_to_nodes_is_told_without_a_password(app: Flask, runner: FlaskCliRunner) -> None:
    run(runner, *ADD)
    run(runner, "nodes", "edit", "mx1", "--allow", "192.0.2.0/24", "--password", "Hidden-77")
    run(runner, "nodes", "edit", "mx1", "--allow", "192.0.2.0/24")
    run(runner, "nodes", "remove", "mx1", "--yes")
    state = '{"allow": "%s", "controller": "", "enabled": true, "scan": "", "user": "rspamd"}'
    assert told(app) == [
        ("node.added", "mx1", "", state % "127.0.0.0/8"),
        ("node.changed", "mx1", '{"allow": "127.0.0.0/8"}', '{"allow": "192.0.2.0/24", "password": "another"}'),
        ("node.removed", "mx1", state % "192.0.2.0/24", ""),
    ]


def fab(runner: FlaskCliRunner, *arguments: str) -> None:
    done = runner.invoke(flask_appbuilder.cli.fab, arguments)
    assert done.exit_code == 0, done.output


def test_fabs_own_commands_leave_events_too(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    names = ("--firstname", "A", "--lastname", "B", "--password", PASSWORD)
    fab(runner, "create-admin", "--username", "root", "--email", "root@example.com", *names)
    fab(runner, "create-user", "--username", "eve", "--email", "eve@example.com", "--role", "Auditor", *names)
    fab(runner, "create-user", "--username", "eve", "--email", "other@example.com", "--role", "Auditor", *names)
    fab(runner, "reset-password", "--username", "eve", "--password", "Another-Horse-77")
    roles = tmp_path / "roles.json"
    roles.write_text(json.dumps([{"name": "Desk", "permissions": []}]))
    fab(runner, "import-roles", "--path", str(roles))
    assert told(app) == [
        ("account.added", "root", "", '{"email": "root@example.com", "roles": ["Admin"]}'),
        ("account.added", "eve", "", '{"email": "eve@example.com", "roles": ["Auditor"]}'),
        ("account.password", "eve", "", ""),
        ("role.changed", "", "", json.dumps({"imported from": str(roles)})),
    ]
