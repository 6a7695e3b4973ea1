"""Who may post, while nodes are changed under load."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

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


def test_all_that_come_at_once_after_a_start_cost_one_look_at_the_password(book: machine.NodeBook, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looks, came = machine.check_password_hash, [], threading.Barrier(4)
    monkeypatch.setattr(machine, "check_password_hash", lambda *arguments: bool(looks.append(arguments)) or real(*arguments))
    prove = book._prove

    def prove_together(node: machine.KnownNode, authorization: str) -> None:
        came.wait(10)
        prove(node, authorization)

    monkeypatch.setattr(book, "_prove", prove_together)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: book.check("mx1", "127.0.0.1", AUTHORIZATION), range(4))) == ["mx1"] * 4
    assert len(looks) == 1


def test_a_wrong_password_is_looked_at_each_time(book: machine.NodeBook, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looks = machine.check_password_hash, []
    monkeypatch.setattr(machine, "check_password_hash", lambda *arguments: bool(looks.append(arguments)) or real(*arguments))
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            book.check("mx1", "127.0.0.1", as_password("wrong"))
    assert len(looks) >= 2
