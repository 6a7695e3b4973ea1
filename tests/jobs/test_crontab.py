"""The crontab in the manual is for every job, at its own schedule."""

import pathlib
import re
from datetime import datetime, timedelta

from app.jobs.registry import JOBS
from app.services.job import Scope
from app.services.schedule import read_schedule

MANUAL = pathlib.Path(__file__).parents[2] / "docs/jobs.md"
MOMENTS = [datetime.fromisoformat("2026-03-03 12:00") + timedelta(hours=7 * step, minutes=step) for step in range(60)]


def times(schedule: str) -> list[datetime]:
    return [read_schedule(schedule, "UTC").after(moment) for moment in MOMENTS]


def test_the_crontab_has_every_job_where_it_runs_at_its_own_schedule() -> None:
    once, _, each = MANUAL.read_text(encoding="utf-8").partition("    # on each node\n")
    for text, scope in ((once, Scope.CLUSTER), (each, Scope.NODE)):
        lines = re.findall(r"^    (\S+(?: \S+){4}) +mailkeep .* jobs run (\w+) ", text, re.MULTILINE)
        found = {name: times(schedule) for schedule, name in lines}
        assert found == {job.name: times(job.schedule) for job in JOBS.values() if job.scope is scope}
