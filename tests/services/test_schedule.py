"""Schedules: what can be written, when they are due, and that no time of the day comes twice or never."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.errors import BadRequest
from app.services.schedule import read_schedule


def due(text: str, since: str, count: int = 1, zone: str = "UTC") -> list[str]:
    moment, found = datetime.fromisoformat(since), []
    for _ in range(count):
        moment = read_schedule(text, zone).after(moment)
        found.append(moment.isoformat(" ", "minutes"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 15 minutes", ["2026-03-03 12:15", "2026-03-03 12:30"]),
        ("Every  Hour", ["2026-03-03 13:00", "2026-03-03 14:00"]),
        ("every 2 days", ["2026-03-04 00:00", "2026-03-06 00:00"]),
        ("daily at 12:00", ["2026-03-04 12:00", "2026-03-05 12:00"]),
        ("weekly on sunday at 4:00", ["2026-03-08 04:00", "2026-03-15 04:00"]),
        ("30 3 * * *", ["2026-03-04 03:30", "2026-03-05 03:30"]),
        ("0 4 * * 0", ["2026-03-08 04:00", "2026-03-15 04:00"]),
        ("0 4 * * 7", ["2026-03-08 04:00", "2026-03-15 04:00"]),
        ("0 4 * * 1-2", ["2026-03-09 04:00", "2026-03-10 04:00"]),
        ("0 4 * * 0-1", ["2026-03-08 04:00", "2026-03-09 04:00"]),
        ("0 4 * * sat,sun", ["2026-03-07 04:00", "2026-03-08 04:00"]),
        ("0 4 * * */3", ["2026-03-04 04:00", "2026-03-07 04:00"]),
        ("0 4 5 * fri", ["2026-03-05 04:00", "2026-03-06 04:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ],
)
def test_when_it_is_due(text: str, expected: list[str]) -> None:
    assert due(text, "2026-03-03 12:00", 2) == expected


WRONG = ("", "soon", "every 0 minutes", "every minutes 5", "daily at 24:00", "daily at 3", "weekly on someday at 04:00", "60 * * * *")
WRONG += (
    "* * * *",
    "* * * * * *",
    "0 0 31 2 *",
    "0 4 * * 8",
    "0 4 * * 5-1",
    "0 4 * * */0",
    "0 4 * * -",
    "a b c d e",
    "\0",
    "é 3 * * *",
    "* " * 9999,
)
WRONG += (
    "*/0 * * * *",
    "1/2/3 * * * *",
    "0 4 * * 1/2/3",
    "every 99999999999999999999 days",
    "0 0 99999999999999999999 * *",
    "weekly on sun at 04:00",
)


def test_what_is_no_schedule_is_refused_with_a_sentence(app: Flask) -> None:
    with app.app_context():
        for text in WRONG:
            with pytest.raises(BadRequest, match=r"is no schedule\. Write it like|never comes"):
                read_schedule(text, "UTC")


def test_times_of_day_are_meant_in_the_zone_of_the_site() -> None:
    assert due("daily at 03:30", "2026-01-03 12:00", 1, "Europe/Athens") == ["2026-01-04 01:30"]
    assert due("daily at 03:30", "2026-07-03 12:00", 1, "Europe/Athens") == ["2026-07-04 00:30"]


def test_the_hour_that_comes_twice_is_one_and_the_hour_that_is_left_out_is_made_up_for() -> None:
    assert due("daily at 02:30", "2026-10-24 12:00", 2, "Europe/Berlin") == ["2026-10-25 00:30", "2026-10-26 01:30"]
    assert due("daily at 02:30", "2026-10-25 00:45", 1, "Europe/Berlin") == ["2026-10-26 01:30"]
    assert due("daily at 02:30", "2026-03-28 12:00", 2, "Europe/Berlin") == ["2026-03-29 01:30", "2026-03-30 00:30"]
    assert due("every 30 minutes", "2026-10-25 00:15", 3, "Europe/Berlin") == ["2026-10-25 00:30", "2026-10-25 01:00", "2026-10-25 01:30"]


@pytest.mark.parametrize("text", ["*/20 * * * *", "30 2 * * *", "0 */5 * * 0", "every 7 hours"])
def test_it_always_goes_on_whatever_the_clock_does(text: str) -> None:
    schedule, moment = read_schedule(text, "Europe/Berlin"), datetime.fromisoformat("2026-03-20")
    while moment < datetime.fromisoformat("2026-11-05"):
        coming = schedule.after(moment)
        assert moment < coming <= moment + timedelta(days=8)
        moment = max(moment + timedelta(hours=3), coming)
