"""Migrations: they make what the models say, on each database, and can be taken back."""

import pathlib
import re
import tomllib
from typing import Any

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import func, inspect, select

from app.actor import command_line
from app.extensions import db
from app.models import MailRecipient
from app.services import people
from app.services.permissions import sync_permissions
from app.version import VERSION
from tests.apps import close, make_app
from tests.databases import migrate
from tests.make import PASSWORD, make_mails

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))
OURS = set(db.metadata.tables)


@pytest.fixture
def bare_app(empty_database: str, tmp_path: pathlib.Path):
    app = make_app(empty_database, tmp_path)
    yield app
    close(app)


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(bare_app: Flask) -> None:
    with bare_app.app_context():
        flask_migrate.upgrade()
        assert tables() == OURS
        flask_migrate.downgrade(revision="base")
        assert tables() == set()
        flask_migrate.upgrade()
        assert tables() == OURS


def test_each_step_can_be_taken_back_alone(bare_app: Flask) -> None:
    with bare_app.app_context():
        for revision in sorted(script.revision for script in SCRIPTS.walk_revisions()):
            before = tables()
            flask_migrate.upgrade(revision=revision)
            flask_migrate.downgrade(revision="-1")
            assert tables() == before
            flask_migrate.upgrade(revision=revision)


def test_an_upgrade_keeps_what_is_there_and_finds_whose_mail_with_a_tag_is(bare_app: Flask) -> None:
    """In steps of a thousand, some of which end within a mail."""
    migrate(bare_app)
    with bare_app.app_context():
        sync_permissions()
        people.add_user("bob", PASSWORD, "bob@example.com", ["Recipient"], actor=command_line())
    tagged = [f"bob+{number}@example.com" for number in range(700)]
    make_mails(bare_app, 3, recipients=("carol@example.com", *tagged, '"a+b"@example.com', "+x@example.com"))
    kept = [db.metadata.tables[name] for name in ("mail", "mail_recipient", "ab_user", "ab_user_role", "audit_event", "node")]
    with bare_app.app_context():

        def rows() -> list[list[Any]]:
            with db.engine.connect() as connection:
                return [sorted(connection.execute(select(table)).all(), key=repr) for table in kept]

        before = rows()
        flask_migrate.downgrade(revision="0006")
        flask_migrate.upgrade()
        assert rows() == before
        counted = select(MailRecipient.base, func.count()).group_by(MailRecipient.base)
        with db.engine.connect() as connection:
            assert dict(connection.execute(counted).tuples().all()) == {None: 9, "bob@example.com": 2100}


def test_the_models_and_the_migrations_say_the_same_and_a_difference_would_be_seen(bare_app: Flask) -> None:
    migrate(bare_app)
    with bare_app.app_context():
        flask_migrate.check()
        for table in db.metadata.sorted_tables:
            made = {index["name"]: index["column_names"] for index in inspect(db.engine).get_indexes(table.name)}
            for index in table.indexes:
                assert made[index.name] == [column.name for column in index.columns]
        with db.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE mail_recipient")
        with pytest.raises(SystemExit):
            flask_migrate.check()


def test_migration_numbers_are_unbroken_and_the_head_file_is_true() -> None:
    files = sorted(path.name for path in (ROOT / "migrations/versions").glob("*.py"))
    assert [re.match(r"(\d{4})_[a-z0-9_]+\.py$", name)[1] for name in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    revisions = list(SCRIPTS.walk_revisions())
    assert [script.revision for script in reversed(revisions)] == [name[:4] for name in files]
    assert (ROOT / "migrations/head").read_text().strip() == SCRIPTS.get_current_head() == files[-1][:4]


def test_the_version_is_the_same_in_changelog_and_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
