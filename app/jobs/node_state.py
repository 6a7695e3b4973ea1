"""Writes into this node's row how it is, every half minute: so the others know it even where they cannot ask."""

from app.jobs.timer import Timer
from app.services.node_state import SECONDS, note_state


class NodeStateTimer(Timer):
    """In each process that has jobs; the first of them that looks writes."""

    name, trouble = "node-state", "nodes: the state of this node cannot be written"

    def is_wanted(self) -> bool:
        return True

    def look(self) -> float:
        note_state()
        return float(SECONDS)
