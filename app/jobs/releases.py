"""Sends released mails when their time has come: every second while one waits, else now and then."""

from flask import current_app

from app.jobs.timer import Timer
from app.queries.releases import is_any_under_way
from app.services.release import can_release
from app.services.release_sending import AT_ONCE, send_due

_BUSY_SECONDS = 1.0


def run() -> float | None:
    """Once. In how many seconds there may be more; None: nothing waits."""
    if send_due() == AT_ONCE:
        return 0.0
    return _BUSY_SECONDS if is_any_under_way(current_app.config["NODE_NAME"]) else None


class ReleaseTimer(Timer):
    """In each process that has jobs: claims see to it that nothing goes twice. At the end what is being sent just now is finished."""

    name, trouble = "releases", "releases: cannot go on"
    patience = 10.0

    def is_wanted(self) -> bool:
        return can_release()

    def look(self) -> float:
        seconds = run()
        return self.pause if seconds is None else seconds
