"""When somebody wants their letters: never, at once, hourly, daily at an hour, weekly on a day. The hours are those of their own zone."""

import re
from datetime import datetime

from flask_babel import gettext as _

from app.errors import BadRequest
from app.models.notice import NEVER
from app.services.schedule import read_schedule

AT_ONCE, HOURLY = "at once", "hourly"
_AT = re.compile(r"daily at \d{1,2}:\d{2}|weekly on [a-z]+ at \d{1,2}:\d{2}")
SAMPLES = "never, at once, hourly, daily at 07:00, weekly on monday at 07:00"


def read_times(text: str) -> str:
    """As it is kept; empty stays empty. BadRequest with a sentence where it says no times."""
    words = " ".join(text.lower().split())
    if words in ("", NEVER, AT_ONCE, HOURLY):
        return words
    try:
        if not _AT.fullmatch(words):
            raise BadRequest(words)
        read_schedule(words, "UTC")
    except BadRequest:
        raise BadRequest(_("“%(text)s” says no times. Write one of these: %(samples)s.", text=text[:100], samples=SAMPLES)) from None
    return words


def next_time(times: str, zone: str, now: datetime) -> datetime | None:
    """Both UTC that does not say so. None: never."""
    if times == NEVER:
        return None
    if times == AT_ONCE:
        return now
    return read_schedule("every hour" if times == HOURLY else times, zone).after(now)
