"""Deletes what was asked for when its time has come, and copies that nothing refers to: every second while something is due soon."""

from datetime import timedelta

from app.clock import stored_now
from app.jobs.timer import Timer
from app.queries.deletions import next_look
from app.services.copy_removal import own_node, remove_due
from app.services.deletion import delete_due
from app.services.removal_elsewhere import tell_others

_BUSY_SECONDS = 1.0
_SOON = timedelta(seconds=60)


def run() -> bool:
    """Once. Whether there is more soon."""
    following = next_look(own_node())
    if following is not None and following <= stored_now():
        done = delete_due()
        remove_due()
        if done:
            tell_others()
        following = next_look(own_node())
    return following is not None and following <= stored_now() + _SOON


class DeletionTimer(Timer):
    """In each process that has jobs: a row's lock sees to it that nothing is done by two at once."""

    name, trouble = "deletions", "deletions: cannot go on"

    def is_wanted(self) -> bool:
        return True

    def look(self) -> float:
        return _BUSY_SECONDS if run() else self.pause
