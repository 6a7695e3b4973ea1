"""Releases what somebody's own list allows and Rspamd held back, soon after it came."""

from flask import Flask

from app.clock import monotonic, utcnow
from app.ids import first_id_at
from app.jobs.timer import Timer
from app.services.personal_release import NOT_OLDER_THAN, is_wanted, release_allowed

_FROM_THE_START_SECONDS = 600.0


class PersonalReleaseTimer(Timer):
    """Each look begins shortly before where the last one ended; now and then with the last days: a replayed mail keeps its old id."""

    name, trouble = "personal releases", "releases by personal lists: cannot go on"

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._after = 0
        self._began_at = -_FROM_THE_START_SECONDS

    def is_wanted(self) -> bool:
        return is_wanted()

    def look(self) -> float:
        if monotonic() - self._began_at >= _FROM_THE_START_SECONDS:
            self._after, self._began_at = first_id_at(utcnow() - NOT_OLDER_THAN), monotonic()
        looked = release_allowed(self._after)
        self._after = looked.after
        return 0.0 if looked.is_more else self.pause
