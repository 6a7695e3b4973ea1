"""Works on acts on many mails: at once where they were asked for here, else when it looks next."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from app.forms.search import read_filters, read_terms
from app.jobs.timer import Timer
from app.queries.search import Search
from app.queries.visibility import scope_of
from app.services.bulk_work import Claimed, work


def searched(run: Claimed, user: Any) -> Search:
    return Search(scope_of(user), read_filters(read_terms(run.search), ZoneInfo(run.zone)))


class BulkTimer(Timer):
    """In each process that has jobs: claims see to it that no two work on the same run. At the end it finishes the mail it is at."""

    name, trouble = "bulk", "acts on many mails: cannot go on"
    pause = 2.0
    patience = 10.0

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        app.extensions["mailkeep_bulk_stirred"] = self.stir

    def is_wanted(self) -> bool:
        return True

    def look(self) -> float:
        return 0.0 if work(searched, self.is_stopping) else self.pause
