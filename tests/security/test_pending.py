"""Logins under way: each counts once, for a quarter of an hour, and in the browser that began it."""

import pytest
import time_machine
from flask import Flask, session

from app.clock import utcnow
from app.security.ways import pending
from app.security.ways.pending import Pending


def begun(number: int = 1) -> Pending:
    return Pending("staff", f"state {number}", "nonce", "verifier", "/mails/list/")


def test_what_is_kept_cannot_be_read_and_counts_once(app: Flask) -> None:
    with app.test_request_context():
        pending.put(begun())
        assert "verifier" not in repr(dict(session))
        assert pending.take("other", "state 1") is None
        assert pending.take("staff", "state 1") == begun()
        assert pending.take("staff", "state 1") is None


@pytest.mark.parametrize(("seconds", "counts"), [(890, True), (910, False), (-60, False)])
def test_it_ends_after_a_quarter_of_an_hour(app: Flask, seconds: int, counts: bool) -> None:
    with app.test_request_context(), time_machine.travel(utcnow(), tick=False) as clock:
        pending.put(begun())
        clock.shift(seconds)
        assert (pending.take("staff", "state 1") is not None) is counts


def test_the_last_three_are_kept(app: Flask) -> None:
    with app.test_request_context():
        for number in range(5):
            pending.put(begun(number))
        assert [pending.take("staff", f"state {number}") is not None for number in range(5)] == [False, False, True, True, True]


@pytest.mark.parametrize("made_up", ["", "x", "AAAA", "é" * 40, "A" * 200])
def test_what_is_none_of_ours_is_left_alone(app: Flask, made_up: str) -> None:
    with app.test_request_context():
        session["logins_under_way"] = [made_up]
        assert pending.take("staff", "state 1") is None
