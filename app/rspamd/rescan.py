"""A mail scanned once more, with the envelope it had, in a way that leaves no trace with Rspamd; and two verdicts side by side."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from app.errors import BadRequest, Unavailable
from app.rspamd.controller import Answered, Controller
from app.rspamd.symbols import Symbol, tidy
from app.rspamd.values import as_line

_MOST_SYMBOLS = 2000
# Symbols that keep or send on what was scanned: as any site has them, and how those begin and end that have a site's names in them.
_WRITERS = (
    *("EXPORT_METADATA_MAILKEEP", "EXPORT_METADATA_RQWATCH", "EXPORT_AWS_S3", "CLICKHOUSE_COLLECT", "ELASTIC_COLLECT"),
    *("HISTORY_SAVE", "NEURAL_LEARN", "RATELIMIT_UPDATE", "REPLIES_SET", "GREYLIST_SAVE"),
)
_WRITERS_BEGIN = ("EXPORT_METADATA_",)
_WRITERS_END = ("_IDEMPOTENT",)


@dataclass(frozen=True, slots=True)
class Envelope:
    mail_from: str
    recipients: tuple[str, ...]
    ip: str | None
    user: str
    helo: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    action: str
    score: float
    symbols: tuple[Symbol, ...]
    version: str


def rescan(controller: Controller, raw: bytes, envelope: Envelope, queue_id: str, *, is_controller: bool) -> Verdict:
    """Raises what the controller raises. A worker that only scans does not tell the names of its rules."""
    writers = {*_WRITERS, *(name for name in controller.rules() if _writes(name))} if is_controller else {*_WRITERS}
    answer = controller.ask("POST", "/checkv2", raw, _headers(envelope, queue_id, sorted(writers)))
    return _verdict(controller, answer)


def _writes(name: str) -> bool:
    return name.startswith(_WRITERS_BEGIN) or name.endswith(_WRITERS_END)


def _headers(envelope: Envelope, queue_id: str, writers: Sequence[str]) -> list[tuple[str, bytes]]:
    settings = {"flags": ["no_log", "no_stat"], "symbols_disabled": writers}
    headers = [("Queue-Id", queue_id), ("From", envelope.mail_from), ("Settings", json.dumps(settings))]
    headers += [(name, value) for name, value in (("Ip", envelope.ip), ("User", envelope.user), ("Helo", envelope.helo)) if value]
    headers += [("Rcpt", recipient) for recipient in envelope.recipients]
    for _name, value in headers:
        if "\r" in value or "\n" in value or "\0" in value:
            raise BadRequest("The envelope of this mail is none that Rspamd would take.")
    return [(name, value.encode()) for name, value in headers]


def _verdict(controller: Controller, answer: Answered) -> Verdict:
    try:
        found = json.loads(answer.body)
        given = found["symbols"]
        score, action = float(found["score"]), as_line(found["action"]).lower()
        symbols, _good = tidy(list(given.values())[:_MOST_SYMBOLS])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        found = None
    if found is None or answer.status != 200 or not abs(score) < 1e9:
        raise Unavailable(f"What {controller.name} answers to /checkv2 is no verdict of Rspamd.")
    server = next((value for name, value in answer.headers.items() if name.lower() == "server"), "")
    return Verdict(action, round(score, 6), symbols, as_line(server).removeprefix("rspamd/")[:40])


@unique
class Change(StrEnum):
    NEW = "new"
    GONE = "gone"
    OTHER = "other"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Compared:
    name: str
    before: float | None
    after: float | None

    @property
    def change(self) -> Change:
        if self.before is None:
            return Change.NEW
        if self.after is None:
            return Change.GONE
        return Change.SAME if abs(self.difference) < 0.005 else Change.OTHER

    @property
    def difference(self) -> float:
        return round((self.after or 0.0) - (self.before or 0.0), 6)


def compared(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Compared]:
    """What moved the score most comes first, what stayed the same last."""
    old, new = ({str(each["name"]): float(each.get("score", 0.0)) for each in side} for side in (before, after))
    found = [Compared(name, old.get(name), new.get(name)) for name in {*old, *new}]
    return sorted(found, key=lambda each: (each.change == Change.SAME, -abs(each.difference), each.name))
