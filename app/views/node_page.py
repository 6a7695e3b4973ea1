"""What the screen of the nodes says of each: what its own row tells, and what it answers just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from app.clock import stored_now
from app.models import Node
from app.services.node_look import Look

_SILENT_AFTER = timedelta(minutes=2)
_LATE_SECONDS, _SKEW_SECONDS, _FAR_SKEW_SECONDS = 120, 5, 30
_FULL_PERCENT, _NEARLY_PERCENT = 95, 85


@unique
class State(StrEnum):
    OFF = "off"
    HERE = "here"
    ANSWERS = "answers"
    AWAY = "away"
    NOT_ASKED = "not_asked"
    BEING_ASKED = "being_asked"
    POSTS = "posts"  # it never said how it is
    SILENT = "silent"
    ALIVE = "alive"


# Tone, icon, word.
STATES: dict[State, tuple[str, str, Any]] = {
    State.OFF: ("plain", "fa-power-off", _l("switched off")),
    State.HERE: ("good", "fa-check", _l("this server")),
    State.ANSWERS: ("good", "fa-check", _l("answers")),
    State.AWAY: ("bad", "fa-ban", _l("not reached")),
    State.NOT_ASKED: ("warn", "fa-question-circle", _l("not asked")),
    State.BEING_ASKED: ("wait", "fa-clock-o", _l("being asked")),
    State.POSTS: ("plain", "fa-circle-o", _l("only posts")),
    State.SILENT: ("warn", "fa-exclamation-triangle", _l("silent")),
    State.ALIVE: ("good", "fa-heartbeat", _l("alive")),
}


@dataclass(frozen=True, slots=True)
class Shown:
    node: Node
    is_here: bool
    state: State
    why: str
    version: str
    ahead: float | None
    """Its clock; None where it was not asked."""
    ahead_tone: str
    percent: int | None
    """Of its disk that is used."""
    disk_tone: str
    spool_tone: str
    failed: int

    @property
    def mark(self) -> tuple[str, str, Any]:
        return STATES[self.state]


def shown(nodes: Sequence[Node], looks: Mapping[str, Look] | None) -> list[Shown]:
    """`looks` is None where nobody has been asked yet."""
    return [_shown(node, looks) for node in nodes]


def asked_names(nodes: Sequence[Node]) -> list[str]:
    return [node.name for node in nodes if node.api_url and node.enabled and not _is_here(node)]


def _shown(node: Node, looks: Mapping[str, Look] | None) -> Shown:
    look = (looks or {}).get(node.name)
    percent = round(100 * node.disk_used / max(1, node.disk_used + (node.disk_free or 0))) if node.disk_used is not None else None
    answered = look is not None and not look.trouble
    ahead = look.ahead if look is not None and answered else None
    return Shown(
        node=node,
        is_here=_is_here(node),
        state=_state(node, look, is_asked=looks is not None),
        why=look.trouble if look is not None else "",
        version=look.version if look is not None and answered else node.version,
        ahead=ahead,
        ahead_tone=_tone(abs(ahead or 0.0), _SKEW_SECONDS, _FAR_SKEW_SECONDS),
        percent=percent,
        disk_tone=_tone(percent or 0, _NEARLY_PERCENT, _FULL_PERCENT),
        spool_tone=_tone(node.spool_seconds or 0, _LATE_SECONDS, 10 * _LATE_SECONDS),
        failed=look.failed if look is not None else 0,
    )


def _state(node: Node, look: Look | None, *, is_asked: bool) -> State:
    if not node.enabled:
        return State.OFF
    if _is_here(node):
        return State.HERE
    if look is not None:
        return State.AWAY if look.trouble else State.ANSWERS
    if node.api_url:
        return State.NOT_ASKED if is_asked else State.BEING_ASKED
    if node.seen_at is None:
        return State.POSTS
    return State.SILENT if node.seen_at < stored_now() - _SILENT_AFTER else State.ALIVE


def _tone(value: float, warn: float, bad: float) -> str:
    return "bad" if value > bad else "warn" if value > warn else ""


def _is_here(node: Node) -> bool:
    return bool(node.name == current_app.config["NODE_NAME"])
