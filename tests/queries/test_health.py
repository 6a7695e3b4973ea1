"""The database's pulse: no answer is a no, and nobody waits for one that hangs."""

import threading

import pytest
from flask import Flask

from app.queries import health


def test_it_answers_where_there_is_one(any_app: Flask) -> None:
    with any_app.app_context():
        assert health.database_answers() is True


def test_a_database_that_hangs_is_a_no_and_is_asked_only_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    asked: list[int] = []

    def hang(_engine: object) -> bool:
        asked.append(1)
        return released.wait(30)

    monkeypatch.setattr(health, "_ask", hang)
    with app.app_context():
        assert health.database_answers(0.01) is False
        assert health.database_answers(0.01) is False
        assert len(asked) == 1
        released.set()
        assert health.database_answers(10) is True
