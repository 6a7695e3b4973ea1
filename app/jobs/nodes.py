"""How the nodes are, by what each wrote last of itself: one that is silent or whose spool does not empty is told of."""

from datetime import datetime, timedelta

from app.clock import stored_now
from app.errors import Unavailable
from app.models import Node
from app.queries.nodes import known_nodes
from app.services.job import Report

SILENT_AFTER = timedelta(minutes=5)
LATE_SECONDS = 600


def look_at_nodes(report: Report) -> None:
    """Those that only post, and never said how they are, are not looked at."""
    nodes = [node for node in known_nodes() if node.enabled and node.seen_at is not None]
    troubles = [trouble for node in nodes if (trouble := _trouble(node, stored_now()))]
    for trouble in troubles:
        report.say(trouble)
    if troubles:
        raise Unavailable(" ".join(troubles))
    report.say(f"{len(nodes)} nodes are well.")


def _trouble(node: Node, now: datetime) -> str:
    if node.seen_at is not None and node.seen_at < now - SILENT_AFTER:
        return f"{node.name} has been silent since {node.seen_at:%Y-%m-%d %H:%M} UTC."
    if (node.spool_seconds or 0) > LATE_SECONDS:
        return f"{node.spool_files} files have waited in the spool of {node.name} for up to {node.spool_seconds} seconds."
    return ""
