"""What a process with jobs asks of the database while there is nothing to do: little, and nobody waits for it."""

import pathlib

from flask import Flask
from sqlalchemy import event

from app.actor import SYSTEM
from app.extensions import db
from app.jobs.bulk import BulkTimer
from app.jobs.deletions import DeletionTimer
from app.jobs.node_state import NodeStateTimer
from app.jobs.personal_releases import PersonalReleaseTimer
from app.jobs.releases import ReleaseTimer
from app.services.nodes import register_local
from tests.apps import close
from tests.databases import SqliteCopies
from tests.releases import releasing_app

MOST = {ReleaseTimer: 3, DeletionTimer: 2, PersonalReleaseTimer: 1, BulkTimer: 1, NodeStateTimer: 1}
"""Statements of one look."""


def test_an_idle_process_asks_little_and_never_takes_the_write_lock(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "smtp://127.0.0.1:9")
    with app.app_context():
        register_local(app.config["NODE_NAME"], actor=SYSTEM)
    asked = {timer: statements_of(app, timer) for timer in MOST}
    assert {timer.name: len(found) for timer, found in asked.items() if len(found) > MOST[timer]} == {}
    assert [found for statements in asked.values() for found in statements if not found.startswith("SELECT")] == []
    close(app)


def statements_of(app: Flask, kind: type) -> list[str]:
    """Of a look that is not the first."""
    timer, found = kind(app), []

    def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement != "BEGIN":
            found.append(statement)

    with app.app_context():
        timer.look()
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        with app.app_context():
            timer.look()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return found
