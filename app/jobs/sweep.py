"""Looks whether the store of this node and the log miss something of each other; it removes nothing."""

from app.services import store_sweep
from app.services.job import Report


def look_at_store(report: Report) -> None:
    report.dry = True
    store_sweep.run(report)
