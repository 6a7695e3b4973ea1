"""When letters come, as a form asks for it and as people read it; and how the states of letters are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.models import NoticeKind, NoticeStep

DAYS: dict[str, Any] = {
    "monday": _l("Monday"),
    "tuesday": _l("Tuesday"),
    "wednesday": _l("Wednesday"),
    "thursday": _l("Thursday"),
    "friday": _l("Friday"),
    "saturday": _l("Saturday"),
    "sunday": _l("Sunday"),
}
HOWS: dict[str, Any] = {
    "never": _l("never"),
    "at once": _l("at once"),
    "hourly": _l("every hour"),
    "daily": _l("every day"),
    "weekly": _l("every week"),
}
KINDS: dict[str, Any] = {
    NoticeKind.AT_ONCE: _l("at once"),
    NoticeKind.DIGEST: _l("digest"),
    NoticeKind.WATCH: _l("for a watcher"),
}
# Tone, icon, word.
STATES: dict[str, tuple[str, str, Any]] = {
    NoticeStep.WAITING: ("wait", "fa-clock-o", _l("waits")),
    NoticeStep.SENDING: ("wait", "fa-paper-plane-o", _l("being sent")),
    NoticeStep.SENT: ("good", "fa-check", _l("sent")),
    NoticeStep.FAILED: ("bad", "fa-ban", _l("failed")),
    NoticeStep.UNKNOWN: ("warn", "fa-question", _l("unknown: it may have arrived")),
    NoticeStep.EMPTY: ("plain", "fa-circle-o", _l("nothing left to tell")),
}
_AT = re.compile(r"(daily|weekly on ([a-z]+)) at (\d{1,2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Times:
    """What stands in the fields of a form."""

    how: str
    """Empty: as it is usual there."""
    day: str
    hour: str


def parts_of(times: str) -> Times:
    found = _AT.fullmatch(times)
    if found is None:
        return Times(times, "monday", "07:00")
    return Times("weekly" if found[2] else "daily", found[2] or "monday", found[3].zfill(5))


def typed_times(form: Mapping[str, str], prefix: str = "") -> str:
    """For services/notice_times, which refuses what is none."""
    how, day, hour = (form.get(prefix + name, "")[:20].strip() for name in ("how", "day", "hour"))
    match how:
        case "daily":
            return f"daily at {hour}"
        case "weekly":
            return f"weekly on {day} at {hour}"
    return how


def times_label(times: str) -> str:
    found = _AT.fullmatch(times)
    if found is None:
        return str(HOWS.get(times, times))
    if found[2] is None:
        return str(_("every day at %(hour)s", hour=found[3]))
    return str(_("every week on %(day)s at %(hour)s", day=DAYS.get(found[2], found[2]), hour=found[3]))
