"""What somebody is told where the database did not do what was asked."""

import pathlib

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.apps import make_app


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (1213, 409, "Somebody else has changed the same just now"),
        (1205, 409, "Somebody else has changed the same just now"),
        (2006, 503, "The database does not answer"),
        ("database is locked", 503, "The database does not answer"),
    ],
)
def test_who_was_slower_is_told_so(tmp_path: pathlib.Path, code: int | str, status: int, words: str) -> None:
    app: Flask = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path)

    @app.route("/failing")
    def failing() -> str:
        raise OperationalError("UPDATE", {}, Exception(code, "the driver's words"))

    answer = app.test_client().get("/failing")
    assert (answer.status_code, words in answer.text) == (status, True)
