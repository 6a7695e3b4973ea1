"""Guessing gets slower, holds few threads, and locks nobody out."""

import threading

import pytest
from flask import Flask

from app.errors import TooManyTries
from app.security import patience
from app.security.patience import Patience
from tests.make import PASSWORD, make_user
from tests.security.conftest import is_in, typed


def after(count: int, name: str = "alice", *, of: str = "198.51.100.{}") -> Patience:
    """That many failures for a name, each from an address of its own unless `of` says otherwise."""
    found = Patience(2)
    for number in range(count):
        found.wait(name, of.format(number))
    return found


def test_delays_double_up_to_an_end(slept: list[float]) -> None:
    after(9)
    assert slept == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_an_address_that_tries_many_names_is_delayed_too(slept: list[float]) -> None:
    found = Patience(2)
    for number in range(5):
        found.wait(f"name{number}", "192.0.2.1")
    assert slept == [0.5, 1.0]
    found.wait("another", "192.0.2.2")
    assert slept == [0.5, 1.0]


def test_the_spelling_of_a_name_makes_no_new_one(slept: list[float]) -> None:
    found = after(3)
    found.wait("ALICE", "192.0.2.9")
    assert slept == [0.5]


def test_failures_are_forgotten_in_time(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    found = after(6)
    slept.clear()
    later = patience.monotonic() + 601
    monkeypatch.setattr(patience, "monotonic", lambda: later)
    found.wait("alice", "192.0.2.1")
    assert slept == []


def test_who_was_in_from_there_before_is_not_delayed_by_failures_from_elsewhere(slept: list[float]) -> None:
    found = Patience(2)
    found.wait("alice", "192.0.2.1")
    found.forgive("alice", "192.0.2.1")
    for number in range(9):
        found.wait("alice", f"198.51.100.{number}")
    slept.clear()
    found.wait("alice", "192.0.2.1")
    assert slept == []
    found.wait("alice", "192.0.2.2")
    assert slept == [4.0]


def test_a_right_password_takes_back_its_own_failure_only(slept: list[float]) -> None:
    """Who has an account cannot wash away what he tried on others."""
    found = Patience(2)
    for _ in range(4):
        found.wait("victim", "192.0.2.1")
        found.wait("mine", "192.0.2.1")
        found.forgive("mine", "192.0.2.1")
    slept.clear()
    found.wait("victim", "192.0.2.1")
    assert slept == [2.0 / 2]  # four failures, as if the others had not been


def test_few_threads_wait_and_the_blameless_go_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(patience, "sleep", lambda _: go_on.wait(20))
    found = Patience(2)
    for _ in range(3):
        found.wait("alice", "192.0.2.1")
    waiting = [threading.Thread(target=found.wait, args=("alice", "192.0.2.1")) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while found._slots._value:  # type: ignore[attr-defined]
        pass
    with pytest.raises(TooManyTries):
        found.wait("alice", "192.0.2.1")
    found.wait("alice", "192.0.2.2")  # of the name under attack, from an address that did nothing
    go_on.set()
    for thread in waiting:
        thread.join(20)


def test_what_is_remembered_is_bounded(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_MOST_REMEMBERED", 50)
    found = Patience(2)
    for number in range(200):
        found.wait(f"name{number}", f"address{number}")
        found.forgive(f"name{number}", f"address{number}")
    assert (len(found._failures), len(found._at_home)) == (50, 50)


def test_the_form_and_the_api_count_together_and_tell_no_more(app: Flask, slept: list[float]) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_user(app, "alice")
    for name in ("alice", "nobody"):
        for _ in range(2):
            typed(app, name, "guess-1")
            app.test_client().post("/api/v1/security/login", json={"username": name, "password": "guess-1", "provider": "db"})
    assert slept[:1] == [0.5]
    assert is_in(typed(app, "alice", PASSWORD)[0])  # late, but in


def test_when_all_wait_the_page_and_the_api_say_so(app: Flask, slept: list[float]) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    full: Patience = app.extensions["mailkeep_patience"]
    while full._slots.acquire(blocking=False):
        pass
    answers = [typed(app, "alice", "guess-1")[1].status_code for _ in range(4)]
    assert answers == [302, 302, 302, 429]
    sent = {"username": "alice", "password": "guess-1", "provider": "db"}
    assert app.test_client().post("/api/v1/security/login", json=sent).status_code == 429
