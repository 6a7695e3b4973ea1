"""The oldest copies of a node go where its disk has less free than it should, whatever the rules say of their age."""

import shutil
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import CopyRemoval, Extent
from app.queries.deletions import is_referred_to
from app.queries.retention import Kept, aged, before, copy_bytes_of
from app.services.copy_removal import own_node
from app.services.expiry import Pace, copies_of, expire, sorted_out
from app.services.retention import Report, Tallies
from app.storage import folder_of
from app.storage.local import LocalStore

FREE_SPACE = Kept("free space", 0)
_YOUNGEST_DAYS = 1
_READ = 200


def run(report: Report) -> Tallies:
    """On each node for itself. A store in a bucket has no disk of ours."""
    tallies, folder = Tallies(), folder_of(current_app.config["STORE_URL"])
    least = current_app.config["RETENTION_MIN_FREE_BYTES"]
    if not least or folder is None or not folder.exists():
        return tallies
    missing = least - shutil.disk_usage(folder).free - _coming(LocalStore(folder))
    if missing <= 0:
        return tallies
    report.say(f"The disk has {missing} bytes less free than RETENTION_MIN_FREE_BYTES asks for.")
    freed = _free(report, tallies, LocalStore(folder), missing)
    if freed < missing:
        report.say(f"{missing - freed} bytes more are needed than the copies older than a day hold.")
    tallies.say(report)
    return tallies


def _coming(store: LocalStore) -> int:
    """What goes already: a file waits a while before it is removed."""
    digests = db.session.scalars(select(CopyRemoval.digest).where(CopyRemoval.node == own_node()))
    return sum(store.size_of(digest) for digest in digests)


def _free(report: Report, tallies: Tallies, store: LocalStore, missing: int) -> int:
    node, upto, freed, pace = own_node(), 0, 0, Pace()
    high = before(_YOUNGEST_DAYS, utcnow())
    while freed < missing and not report.is_over():
        db.session.rollback()
        rows = db.session.execute(aged(Extent.COPY, upto, high, min(pace.size, _READ), node)).all()
        if not rows:
            break
        sizes, upto = copy_bytes_of([row.id for row in rows]), rows[-1].id + 1
        ids = _first(rows, sizes, missing - freed)
        upto = ids[-1] + 1
        if report.dry:
            batch = sorted_out([row for row in rows if row.id in ids], lambda *_: FREE_SPACE)
        else:
            batch = expire(Extent.COPY, ids, lambda *_: FREE_SPACE, pace)
        tallies.add(Extent.COPY, batch, sizes)
        gone = {digest for _, digest in copies_of([row for row, _ in batch.gone])}
        freed += sum(store.size_of(digest) for digest in gone if report.dry or not is_referred_to(digest, node))
        report.progress(min(freed, missing), missing)
    return freed


def _first(rows: Any, sizes: dict[int, int], missing: int) -> list[int]:
    """No more than are needed, as far as that is known."""
    found: list[int] = []
    for row in rows:
        found.append(row.id)
        missing -= sizes.get(row.id, 0)
        if missing <= 0:
            break
    return found
