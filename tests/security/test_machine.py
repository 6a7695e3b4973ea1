"""Who may post, while nodes are changed under load."""

import base64

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.errors import NotAllowed, NotAuthenticated
from app.security import machine
from app.services import nodes
from tests.make import AUTHORIZATION, make_node


@pytest.fixture
def book(app: Flask) -> machine.NodeBook:
    make_node(app)
    found: machine.NodeBook = app.extensions["mailkeep_nodes"]
    return found


def as_password(password: str) -> str:
    return "Basic " + base64.b64encode(f"rspamd:{password}".encode()).decode()


def test_a_password_changed_while_the_old_one_is_looked_at_ends_the_old_one(
    app: Flask, book: machine.NodeBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = machine.check_password_hash

    def change_meanwhile(*arguments: str) -> bool:
        right = real(*arguments)
        monkeypatch.undo()
        with app.app_context():
            nodes.edit("mx1", password="new", actor=SYSTEM)
        assert book.refresh(0)
        return right

    monkeypatch.setattr(machine, "check_password_hash", change_meanwhile)
    assert book.check("mx1", "127.0.0.1", AUTHORIZATION) == "mx1"  # it was right when it was asked
    with pytest.raises(NotAuthenticated):
        book.check("mx1", "127.0.0.1", AUTHORIZATION)
    assert book.check("mx1", "127.0.0.1", as_password("new")) == "mx1"


def test_a_table_read_later_is_never_replaced_by_an_earlier_one(
    app: Flask, book: machine.NodeBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert book.check("mx1", "127.0.0.1", AUTHORIZATION) == "mx1"
    real, read_meanwhile = book._set, []

    def change_meanwhile(earlier: dict[str, machine.KnownNode]) -> None:
        monkeypatch.undo()
        with app.app_context():
            nodes.edit("mx1", enabled=False, actor=SYSTEM)
        read_meanwhile.append(book.refresh(0))
        real(earlier)

    monkeypatch.setattr(book, "_set", change_meanwhile)
    assert book.refresh(0)
    assert read_meanwhile == [False]  # it has to come back for it
    assert book.refresh(0)
    with pytest.raises(NotAllowed):
        book.check("mx1", "127.0.0.1", AUTHORIZATION)
