"""What the screen of the nodes says of each: what its own row tells, and what it answers just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from app.clock import stored_now
from app.models import Node
from app.services.node_look import Look

_SILENT_AFTER = timedelta(minutes=2)
_LATE_SECONDS, _SKEW_SECONDS, _FAR_SKEW_SECONDS = 120, 5, 30
_FULL_PERCENT, _NEARLY_PERCENT = 95, 85


@dataclass(frozen=True, slots=True)
class Shown:
    node: Node
    is_here: bool
    mark: tuple[str, str, Any]
    """Tone, icon, word."""
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
        mark=_mark(node, look, is_asked=looks is not None),
        why=look.trouble if look is not None else "",
        version=look.version if look is not None and answered else node.version,
        ahead=ahead,
        ahead_tone=_tone(abs(ahead or 0.0), _SKEW_SECONDS, _FAR_SKEW_SECONDS),
        percent=percent,
        disk_tone=_tone(percent or 0, _NEARLY_PERCENT, _FULL_PERCENT),
        spool_tone=_tone(node.spool_seconds or 0, _LATE_SECONDS, 10 * _LATE_SECONDS),
        failed=look.failed if look is not None else 0,
    )


def _mark(node: Node, look: Look | None, *, is_asked: bool) -> tuple[str, str, Any]:
    is_silent = node.seen_at is None or node.seen_at < stored_now() - _SILENT_AFTER
    if not node.enabled:
        return "plain", "fa-power-off", _("switched off")
    if _is_here(node):
        return "good", "fa-check", _("this server")
    if look is not None:
        return ("bad", "fa-ban", _("not reached")) if look.trouble else ("good", "fa-check", _("answers"))
    if node.api_url:
        return ("warn", "fa-question-circle", _("not asked")) if is_asked else ("wait", "fa-clock-o", _("being asked"))
    if node.seen_at is None:
        return "plain", "fa-circle-o", _("only posts")
    return ("warn", "fa-exclamation-triangle", _("silent")) if is_silent else ("good", "fa-heartbeat", _("alive"))


def _tone(value: float, warn: float, bad: float) -> str:
    return "bad" if value > bad else "warn" if value > warn else ""


def _is_here(node: Node) -> bool:
    return bool(node.name == current_app.config["NODE_NAME"])
