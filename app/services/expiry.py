"""Some mails go, or their copies, in one short transaction: none that is held, at work, or no longer due."""

import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import DBAPIError

from app.clock import monotonic
from app.extensions import PanelSession, db
from app.models import PARTS_OF_A_MAIL, CopyState, Extent, Mail, RetentionMark
from app.models.retention import GATE
from app.queries.holds import held_among
from app.queries.retention import Kept, again, busy_among, domains_of_mails
from app.services.copy_removal import take_leave_of_all
from app.services.moves import run

log = logging.getLogger(__name__)

_TRIES = 5
_AIM_SECONDS, _SQLITE_SECONDS = 0.1, 0.02
_FIRST, _LEAST, _MOST = 20, 5, 400
_LONGEST_PAUSE = 0.25

Due = Callable[[Any, Collection[int | str]], Kept | None]
"""Whether a mail is to go, and by which rule: asked of its row and the domains of its recipients."""


@dataclass(slots=True)
class Batch:
    """Who goes by which rule, and who stays."""

    gone: list[tuple[Row[Any], Kept]] = field(default_factory=list)
    held: int = 0
    busy: int = 0


class Pace:
    """How many at once: so many that the work of a transaction takes a tenth of a second; and as long as it took, others have their turn.
    A commit that waits for its disk would not take less time with fewer. On SQLite it counts: there is one place to write, and who
    waits for it only looks now and then; so in smaller steps, with longer pauses."""

    def __init__(self) -> None:
        self.size = _FIRST
        self._worked_until: float | None = None

    def worked(self) -> None:
        """All but the commit is done."""
        self._worked_until = monotonic()

    def took(self, seconds: float) -> None:
        is_sqlite = db.engine.dialect.name == "sqlite"
        aim = _SQLITE_SECONDS if is_sqlite else _AIM_SECONDS
        committed = 0.0 if is_sqlite or self._worked_until is None else monotonic() - self._worked_until
        self._worked_until = None
        factor = min(2.0, max(0.25, aim / max(seconds - committed, 0.001)))
        self.size = min(_MOST, max(_LEAST, int(self.size * factor)))
        time.sleep(min(2 * seconds if is_sqlite else seconds, _LONGEST_PAUSE))


def pass_gate() -> None:
    """Joins a transaction that writes: one at a time, whoever deletes mails and whoever begins or ends a hold. First of all locks.
    The row is written: a lock alone is nothing to the other nodes of a Galera cluster, which look at what a transaction has changed."""
    passed = update(RetentionMark).where(RetentionMark.extent == GATE).values(upto=RetentionMark.upto + 1)
    if run(passed) != 1:
        raise RuntimeError("the gate of retention is missing")


def sorted_out(rows: Sequence[Row[Any]], due: Due) -> Batch:
    """Of these, as things are now."""
    batch, ids = Batch(), [row.id for row in rows]
    domains = domains_of_mails(ids)
    found = [(row, kept) for row in rows if (kept := due(row, domains.get(row.id, set()))) is not None]
    ids = [row.id for row, _ in found]
    held = held_among(ids)
    busy = busy_among([mail_id for mail_id in ids if mail_id not in held])
    batch.held, batch.busy = len(held), len(busy)
    batch.gone = [(row, kept) for row, kept in found if row.id not in held and row.id not in busy]
    return batch


def expire(extent: Extent, ids: Collection[int], due: Due, pace: Pace, mark: Any = None) -> Batch:
    """`mark`: a statement that says how far one has come, once this is done. What the database will not have now is tried again."""
    for attempt in range(1, _TRIES + 1):
        began = monotonic()
        try:
            return _expire(extent, ids, due, pace, mark)
        except DBAPIError:
            if attempt == _TRIES:
                raise
            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)  # noqa: S311 - jitter, no secret
        finally:
            pace.took(monotonic() - began)
    raise AssertionError


def _expire(extent: Extent, ids: Collection[int], due: Due, pace: Pace, mark: Any) -> Batch:
    with cast(PanelSession, db.session()).begin_writing():
        pass_gate()
        rows = [row for row in again(ids) if extent == Extent.MAIL or row.copy_state == CopyState.STORED]
        batch = sorted_out(rows, due)
        gone = [row for row, _ in batch.gone]
        take_leave_of_all(copies_of(gone))
        if extent == Extent.COPY:
            run(update(Mail).where(Mail.id.in_([row.id for row in gone])).values(copy_state=CopyState.DELETED.value))
        elif gone:
            _delete([row.id for row in gone])
        if mark is not None:
            run(mark)
        pace.worked()
        db.session.commit()
    return batch


def copies_of(rows: Sequence[Row[Any]]) -> list[tuple[str, str]]:
    """Node and digest, each once."""
    own = current_app.config["NODE_NAME"]
    return sorted({(row.copy_node or own, row.copy_digest) for row in rows if row.copy_state == CopyState.STORED and row.copy_digest})


def _delete(ids: Sequence[int]) -> None:
    """Of tables that have nothing of these mails nothing is deleted: a statement that finds nothing may still lock what it passes."""
    for part in PARTS_OF_A_MAIL:
        there = set(db.session.scalars(select(part.mail_id).where(part.mail_id.in_(ids)).distinct()))
        if there:
            run(delete(part).where(part.mail_id.in_(there)))
    run(delete(Mail).where(Mail.id.in_(ids)))
