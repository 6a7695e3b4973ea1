"""Stretches of time: each hour is read once, whatever the bars and the viewer's zone are."""

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.clock import utcnow
from app.errors import BadRequest
from app.forms.statistics import asked_fields, read_stretch
from app.ids import HOUR_MS
from app.models import DailyCount, HourlyCount
from app.queries.reports import pieces

UTC = utcnow().tzinfo
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def at(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC)


def test_each_hour_is_read_once_and_no_day_that_two_bars_share() -> None:
    chance = random.Random(7)
    for number in range(200):
        edges = sorted(chance.sample(range(1000, 1000 + chance.choice((50, 100, 1000, 9000))), chance.randrange(2, 42)))
        if number % 3 == 0:
            edges = sorted({edge - edge % 24 for edge in edges} | {2400, 1200})
        found = pieces(edges)
        read = [hour for spans in found.values() for low, high in spans for hour in range(low, high)]
        assert sorted(read) == list(range(edges[0], edges[-1]))
        days = [day for low, high in found.get(DailyCount, ()) for day in range(low, high, 24)]
        assert all(day % 24 == 0 and not any(day < edge < day + 24 for edge in edges) for day in days)


def test_a_year_is_read_from_days_but_where_its_months_begin() -> None:
    found = pieces(read_stretch({"stretch": "12m"}, BERLIN, datetime(2026, 11, 22, 12, tzinfo=UTC)).edges)
    assert sum(high - low for low, high in found[DailyCount]) > 8000
    assert sum(high - low for low, high in found[HourlyCount]) == 13 * 24 - 1 - 23  # of the first and the last day only what is meant


def test_days_and_months_are_those_of_the_viewer_also_when_clocks_change() -> None:
    stretch = read_stretch({"from": "2026-10-24", "to": "2026-10-26"}, BERLIN, utcnow())
    assert [high - low for low, high in zip(stretch.edges, stretch.edges[1:], strict=False)] == [24, 25, 24]
    assert at(stretch.edges[0]) == datetime(2026, 10, 23, 22, tzinfo=UTC)
    year = read_stretch({"stretch": "12m"}, BERLIN, datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    assert (len(year.edges), at(year.edges[0]), year.first) == (13, datetime(2025, 12, 31, 23, tzinfo=UTC), date(2026, 1, 1))
    part = read_stretch({"from": "2026-01-15", "to": "2026-05-02"}, ZoneInfo("UTC"), utcnow())
    assert [f"{at(edge):%m-%d}" for edge in part.edges] == ["01-15", "02-01", "03-01", "04-01", "05-01", "05-03"]


def test_where_zones_are_half_an_hour_off_a_day_has_the_hours_that_begin_in_it() -> None:
    stretch = read_stretch({"from": "2026-03-01", "to": "2026-03-07"}, KOLKATA, utcnow())
    assert stretch.is_shifted
    assert at(stretch.edges[0]).astimezone(KOLKATA) == datetime(2026, 3, 1, 0, 30, tzinfo=KOLKATA)
    assert all(high - low == 24 for low, high in zip(stretch.edges, stretch.edges[1:], strict=False))
    assert not read_stretch({}, BERLIN, utcnow()).is_shifted


def test_a_day_ends_with_the_hour_that_is() -> None:
    now = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    stretch = read_stretch({"stretch": "24h"}, BERLIN, now)
    assert (len(stretch.edges), at(stretch.edges[-1])) == (25, now + timedelta(minutes=30))


@pytest.mark.parametrize(
    "fields",
    [
        {"stretch": "9d"},
        {"from": "soon"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "1971-01-01", "to": "2100-01-01"},
        {"to": "9999-12-31"},
        {"from": "2026-02-30"},
        {"from": "1960-01-01"},
    ],
)
def test_what_is_no_stretch_is_told(fields: dict[str, str], app: object) -> None:
    with pytest.raises(BadRequest):
        read_stretch(asked_fields(fields), BERLIN, utcnow())
