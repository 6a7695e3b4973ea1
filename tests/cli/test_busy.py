"""A command that changes accounts while somebody else writes, on SQLite."""

import sqlite3
import threading
import time

from flask import Flask
from flask.testing import FlaskCliRunner


def test_a_command_waits_for_whoever_writes_and_is_not_refused(app: Flask, runner: FlaskCliRunner) -> None:
    file = app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")
    is_over = threading.Event()

    def write() -> None:
        with sqlite3.connect(file, timeout=30, isolation_level=None) as other:
            while not is_over.is_set():
                other.execute("BEGIN IMMEDIATE")
                other.execute("UPDATE node SET allow = allow")
                time.sleep(0.02)
                other.execute("COMMIT")
                time.sleep(0.005)
        other.close()

    busy = threading.Thread(target=write)
    busy.start()
    try:
        for command in (
            "add bob bob@example.com",
            "role bob Auditor",
            "alias bob b@example.com",
            "disable bob",
            "enable bob",
            "passwd bob",
            "delete bob --yes",
        ):
            answer = runner.invoke(args=["users", *command.split()])
            assert answer.exit_code == 0, (command, answer.output)
    finally:
        is_over.set()
        busy.join()
