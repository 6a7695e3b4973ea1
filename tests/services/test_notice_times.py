"""The times of letters: what people may write, and when that is."""

from datetime import datetime

import pytest
from flask import Flask

from app.errors import BadRequest
from app.services.notice_times import next_time, read_times

NOON = datetime(2026, 7, 1, 12, 0, 0)  # noqa: DTZ001 - a Wednesday, as columns keep it


@pytest.mark.parametrize(
    ("times", "zone", "due"),
    [
        ("at once", "UTC", "2026-07-01 12:00"),
        ("hourly", "UTC", "2026-07-01 13:00"),
        ("daily at 07:00", "Europe/Athens", "2026-07-02 04:00"),
        ("Weekly  on monday at 9:30", "America/New_York", "2026-07-06 13:30"),
        ("never", "UTC", "None"),
    ],
)
def test_the_next_letter_is_at_their_own_hour(app: Flask, times: str, zone: str, due: str) -> None:
    with app.app_context():
        assert str(next_time(read_times(times), zone, NOON))[:16] == due


@pytest.mark.parametrize("text", ["soon", "daily at 25:00", "weekly on sunday", "* * * * *", "every 5 minutes", "daily", "x" * 200])
def test_what_says_no_times_is_refused(app: Flask, text: str) -> None:
    with app.test_request_context(), pytest.raises(BadRequest):
        read_times(text)
