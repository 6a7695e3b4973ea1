"""The session of the panel: what changes something holds SQLite's write lock from the start; errors tell nothing of anybody."""

import logging
import sqlite3

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.extensions import db, engine_options
from app.log import OneLine


def can_write(app: Flask) -> bool:
    with sqlite3.connect(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"), timeout=0) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        other.rollback()
    return True


@pytest.mark.parametrize(("method", "others_may"), [("GET", True), ("HEAD", True), ("POST", False), ("PUT", False), ("DELETE", False)])
def test_what_changes_something_reads_nothing_that_may_change_meanwhile(app: Flask, method: str, others_may: bool) -> None:
    with app.test_request_context(method=method):
        db.session.execute(text("SELECT count(*) FROM mail"))
        assert can_write(app) is others_may
        db.session.rollback()
    assert can_write(app)


def test_outside_of_a_request_reading_holds_nobody_up(app: Flask) -> None:
    with app.app_context():
        db.session.execute(text("SELECT count(*) FROM mail"))
        assert can_write(app)


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql+mysqldb://u@h/d", "postgresql+psycopg://u@h/d"])
def test_no_error_of_a_database_shows_what_was_written(url: str) -> None:
    assert engine_options(url, "+")["hide_parameters"] is True


def test_an_error_that_is_no_silence_of_the_database_is_called_one_of_ours(app: Flask) -> None:
    @app.get("/wrong")
    def wrong() -> str:
        raise ProgrammingError("SELECT", {"password": "x"}, Exception("no such column"))

    assert app.test_client().get("/wrong").status_code == 500


def test_a_traceback_forges_no_line_of_the_log() -> None:
    try:
        raise ValueError("one\n2026-11-21 00:00:00,000 INFO app: forged")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), (type(error), error, error.__traceback__))
    lines = OneLine("%(message)s").format(record).splitlines()
    assert lines[0] == "failed"
    assert all(line.startswith("    ") for line in lines[1:])
