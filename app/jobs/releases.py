"""Sends released mails when their time has come: every second while one waits, else now and then."""

from flask import current_app

from app.jobs.timer import Timer
from app.queries.releases import is_any_under_way
from app.services.release import can_release
from app.services.release_sending import send_due

_BUSY_SECONDS = 1.0


def run() -> bool:
    """Once. Whether something waits still."""
    send_due()
    return is_any_under_way(current_app.config["NODE_NAME"])


class ReleaseTimer(Timer):
    """In each process that has jobs: claims see to it that nothing goes twice. At the end what is being sent just now is finished."""

    name, trouble = "releases", "releases: cannot go on"
    patience = 10.0

    def is_wanted(self) -> bool:
        return can_release()

    def look(self) -> float:
        return _BUSY_SECONDS if run() else self.pause
