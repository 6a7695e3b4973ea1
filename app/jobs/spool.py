"""What dead processes left in the spool of this node, where no process that takes mails brings it in within seconds as they do."""

import pathlib

from flask import current_app

from app.errors import Unavailable
from app.queries.health import spool_state
from app.services.job import Report
from app.services.spooled import replay_all


def replay_spool(report: Report) -> None:
    """Unavailable where something waits on, so that somebody hears of it."""
    folder: str = current_app.config["SPOOL_DIR"]
    if report.dry:
        there = spool_state(folder) if pathlib.Path(folder).exists() else None
        report.say(f"{there.segments if there else 0} files are in the spool.")
        return
    done = replay_all()
    if done.stuck:
        raise Unavailable(f"{len(done.stuck)} files of the spool wait: {done.stuck[0]}")
    report.say(f"{done.committed} mails are new, {done.known} were there already, {done.failed} are refused by the database.")
    if done.busy:
        report.say(f"{done.busy} parts of the spool belong to processes that run, which bring them in themselves.")
    if failed := spool_state(folder).failed if pathlib.Path(folder).exists() else 0:
        raise Unavailable(f"The database has refused {failed} mails: `flask spool replay --failed` tries them again.")
