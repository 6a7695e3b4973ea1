"""The store and the log, compared both ways: files that no mail refers to, and mails whose file is gone; told, or done too."""

import itertools
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import select, update

from app.actor import SYSTEM, Actor
from app.clock import utcnow
from app.errors import Unavailable
from app.extensions import PanelSession, db
from app.models import CopyRemoval, CopyState, Extent, Mail, Verb
from app.queries.retention import aged, before
from app.services.audit import record
from app.services.copy_removal import own_node, take_leave_of_all
from app.services.retention import Report
from app.storage import store_for
from app.storage.store import CANNOT_WRITE, Store, reason

log = logging.getLogger(__name__)

_AT_ONCE = 500
_YOUNGEST_DAYS = 1
"""What is younger may be on its way still: the file comes before its row."""
_THREADS = 16


@dataclass(slots=True)
class Swept:
    files: int = 0
    strays: int = 0
    """Files that no mail refers to."""
    bytes: int = 0
    mails: int = 0
    lost: int = 0
    """Mails whose file is gone."""


def run(report: Report, actor: Actor = SYSTEM) -> Swept:
    """Of this node's store, or of the one that all share."""
    store = store_for(current_app.config["STORE_URL"])
    try:
        swept = _sweep(store, _Dry(report))
        if not report.dry and (swept.strays or swept.lost):
            swept = _sweep(store, report)
            with cast(PanelSession, db.session()).begin_writing():
                told = {"files": swept.strays, "bytes": swept.bytes, "lost": swept.lost}
                record(actor, Verb.STORE_SWEPT, "store", current_app.config["NODE_NAME"], after=told)
                db.session.commit()
    except CANNOT_WRITE as error:
        raise Unavailable(f"The store cannot be looked through: {reason(error)}") from error
    report.say(f"{swept.files} files: {swept.strays} that no mail refers to, {swept.bytes} bytes{'' if report.dry else ', go'}.")
    report.say(f"{swept.mails} mails with a copy: {swept.lost} whose file is gone{'' if report.dry else ', say so now'}.")
    return swept


class _Dry:
    """Looked at before anything is done: a store that is not there must not be taken for one that is empty."""

    dry = True

    def __init__(self, report: Report) -> None:
        self.progress, self.is_over = report.progress, report.is_over

    def say(self, text: str) -> None: ...


def _sweep(store: Store, report: Report) -> Swept:
    swept = Swept()
    _mails(store, report, swept)
    if swept.mails and swept.lost == swept.mails:
        raise Unavailable("All copies are gone: is this the right store, and is it there? Nothing is done.")
    _files(store, report, swept)
    return swept


def _files(store: Store, report: Report, swept: Swept) -> None:
    latest = (utcnow() - timedelta(days=_YOUNGEST_DAYS)).timestamp()
    for found in _chunks(store.scan()):
        if report.is_over():
            return
        swept.files += len(found)
        sizes = {digest: size for digest, size, changed in found if changed < latest}
        strays = _strays(sizes)
        swept.strays += len(strays)
        swept.bytes += sum(sizes[digest] for digest in strays)
        if strays and not report.dry:
            with cast(PanelSession, db.session()).begin_writing():
                take_leave_of_all([(current_app.config["NODE_NAME"], digest) for digest in strays])
                db.session.commit()


def _strays(digests: Iterable[str]) -> list[str]:
    """What goes already is not told again."""
    known, node = set[str](), own_node()
    wanted = list(digests)
    if wanted:
        kept = select(Mail.copy_digest).where(Mail.copy_digest.in_(wanted), Mail.copy_state == CopyState.STORED.value).distinct()
        going = select(CopyRemoval.digest).where(CopyRemoval.digest.in_(wanted))
        known |= {digest for digest in db.session.scalars(kept if node is None else kept.where(Mail.copy_node == node)) if digest}
        known |= set(db.session.scalars(going if node is None else going.where(CopyRemoval.node == node)))
        db.session.rollback()
    return sorted(set(wanted) - known)


def _mails(store: Store, report: Report, swept: Swept) -> None:
    upto, high = 0, before(_YOUNGEST_DAYS, utcnow())
    with ThreadPoolExecutor(_THREADS if store.is_far else 1, "sweep") as threads:
        while not report.is_over():
            rows = db.session.execute(aged(Extent.COPY, upto, high, _AT_ONCE, own_node())).all()
            db.session.rollback()
            if not rows:
                return
            there = dict(zip(rows, threads.map(lambda row: store.exists(row.copy_digest), rows), strict=True))
            gone = [row for row in rows if not there[row]]
            swept.mails += len(rows)
            swept.lost += len(gone)
            upto = rows[-1].id + 1
            if gone and not report.dry:
                _say_lost(gone)


def _say_lost(rows: list[Any]) -> None:
    ids = [row.id for row in rows]
    with cast(PanelSession, db.session()).begin_writing():
        lost = update(Mail).where(Mail.id.in_(ids), Mail.copy_state == CopyState.STORED.value).values(copy_state=CopyState.LOST.value)
        db.session.execute(lost.execution_options(synchronize_session=False))
        db.session.commit()
    for row in rows:
        log.error("mail %d: its copy %s is gone", row.id, row.copy_digest)


def _chunks(found: Iterator[tuple[str, int, float]]) -> Iterator[list[tuple[str, int, float]]]:
    while chunk := list(itertools.islice(found, _AT_ONCE)):
        yield chunk
