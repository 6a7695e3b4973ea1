"""Jobs: what Mailkeep does by itself, and when."""

from flask import Flask

from app.jobs.bulk import BulkTimer
from app.jobs.deletions import DeletionTimer
from app.jobs.map_files import MapFilesTimer
from app.jobs.node_state import NodeStateTimer
from app.jobs.personal_releases import PersonalReleaseTimer
from app.jobs.releases import ReleaseTimer
from app.jobs.scheduler import Scheduler
from app.jobs.timer import Timer


class Jobs:
    """All of one process."""

    def __init__(self, *timers: Timer) -> None:
        self._timers = timers

    def start(self) -> None:
        for timer in self._timers:
            timer.start()

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()


def init_app(app: Flask) -> None:
    """Nothing runs before start(): commands and tests have no jobs."""
    timers = (MapFilesTimer, ReleaseTimer, PersonalReleaseTimer, BulkTimer, DeletionTimer, NodeStateTimer, Scheduler)
    app.extensions["mailkeep_jobs"] = Jobs(*(timer(app) for timer in timers))
