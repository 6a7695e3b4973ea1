"""When a job is due, in words or as cron has it: every 15 minutes, daily at 03:30, weekly on sunday at 04:00, 30 3 * * *."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from flask_babel import gettext as _

from app.errors import BadRequest

LONGEST = 100
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_EVERY = re.compile(r"every (?:(\d{1,4}) )?(minute|hour|day)s?")
_AT = re.compile(r"(?:daily|weekly on ([a-z]+)) at (\d{1,2}):(\d{2})")
_CRON = re.compile(r"[\d*/,a-z-]+(?: [\d*/,a-z-]+){4}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
_SAMPLES = "every 15 minutes, daily at 03:30, weekly on sunday at 04:00, 30 3 * * *"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Depends on nothing but the clock: whoever asks, and however often, gets the same due times."""

    seconds: int
    trigger: Any
    """Asked with the time on the wall as if that were UTC: what APScheduler makes of the hour that comes twice has no end."""
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """The next due time; both are UTC that does not say so."""
        if self.seconds:
            passed = int((moment - _EPOCH).total_seconds())
            return _EPOCH + timedelta(seconds=passed - passed % self.seconds + self.seconds)
        wall = moment.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None, microsecond=0)
        while True:
            found = self.trigger.get_next_fire_time(None, wall.replace(tzinfo=UTC) + timedelta(seconds=1))
            if found is None:
                raise _wrong("")
            wall = found.replace(tzinfo=None)
            due: datetime = wall.replace(tzinfo=self.zone).astimezone(UTC).replace(tzinfo=None)
            if due > moment:
                return due


@functools.lru_cache(256)
def read_schedule(text: str, zone: str) -> Schedule:
    """BadRequest with a sentence where it is none, or never comes."""
    words = " ".join(text.lower().split())
    if len(words) > LONGEST:
        raise _wrong(text)
    try:
        schedule = _read(words, ZoneInfo(zone))
        if schedule.trigger is not None and schedule.trigger.get_next_fire_time(None, _LONG_AGO) is None:
            raise BadRequest(_("“%(text)s” never comes.", text=text[:LONGEST]))
    except ValueError:
        raise _wrong(text) from None
    return schedule


def _read(words: str, zone: ZoneInfo) -> Schedule:
    if found := _EVERY.fullmatch(words):
        count = int(found[1] or 1)
        if not count:
            raise ValueError(words)
        return Schedule(count * _UNITS[found[2]], None, zone)
    if found := _AT.fullmatch(words):
        if found[1] and found[1] not in _DAYS:
            raise ValueError(words)
        return Schedule(0, CronTrigger(day_of_week=(found[1] or "*")[:3], hour=int(found[2]), minute=int(found[3]), timezone=UTC), zone)
    if _CRON.fullmatch(words):
        return Schedule(0, _cron(words.split(" ")), zone)
    raise ValueError(words)


def _cron(fields: list[str]) -> Any:
    """As cron means it: 0 and 7 are Sundays, and of a day of the month and one of the week either will do."""
    minute, hour, day, month, weekday = fields
    times = {"minute": minute, "hour": hour, "month": month, "timezone": UTC}
    by_month = CronTrigger(day=day, **times)
    by_week = CronTrigger(day_of_week=_weekdays(weekday), **times)
    if weekday == "*":
        return by_month
    return by_week if day == "*" else OrTrigger([by_month, by_week])


def _weekdays(field: str) -> str:
    """APScheduler counts from Monday on, so each gets its name."""
    if field == "*":
        return field
    found: list[str] = []
    for part in field.split(","):
        span, _slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin, end = (0, 6) if span == "*" else (_weekday(first), _weekday(last) if dash else _weekday(first))
        every = int(step) if _slash else 1
        if end < begin or every < 1:
            raise ValueError(field)
        found += [_DAYS[number % 7][:3] for number in range(begin, end + 1, every)]
    return ",".join(dict.fromkeys(found))


def _weekday(text: str) -> int:
    names = [day[:3] for day in _DAYS]
    number = names.index(text[:3]) if text in names or text in _DAYS else int(text)
    if not 0 <= number <= 7:
        raise ValueError(text)
    return number


def _wrong(text: str) -> BadRequest:
    return BadRequest(_("“%(text)s” is no schedule. Write it like one of these: %(samples)s.", text=text[:LONGEST], samples=_SAMPLES))
