"""Who sits at somebody's open screen does not try passwords there as fast as they can be typed."""

import pytest
from flask import Flask

from tests.make import PASSWORD, login
from tests.views.people import can_log_in, send

NEW = "Another-Horse-77"


@pytest.mark.parametrize("page", ["/profile/password", "/new-password/"])
def test_the_present_password_is_guessed_no_faster_than_at_the_login(app: Flask, slept: list[float], page: str) -> None:
    carol = login(app, "carol", role="Recipient")
    for number in range(5):
        send(carol, page, old=f"guess-{number}", new=NEW, again=NEW)
    assert slept == [0.5, 1.0]
    send(carol, page, old=PASSWORD, new=NEW, again=NEW)
    assert can_log_in(app, "carol", NEW)
