"""The file of a copy goes when no mail refers to it, also none that is being taken in: aside first, then a second look, then gone."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.clock import stored_now
from app.errors import MailkeepError, Unavailable
from app.extensions import PanelSession, db
from app.models import CopyRemoval
from app.queries.deletions import due_removals, is_referred_to
from app.storage import is_shared, store_for

log = logging.getLogger(__name__)

GRACE = timedelta(minutes=15)
"""Longer than a mail is on its way from put() to its row: a commit is tried six times, each waits half a minute for a lock. What takes
longer yet is found by services/keeper, which looks for the copy after the row is there and has the mail still."""
_AGAIN = timedelta(minutes=1)
_AT_ONCE = 100


def take_leave(node: str, digest: str, wait: timedelta = timedelta()) -> None:
    """Joins the transaction in which a mail stops referring to its copy. `wait`: for mails that are about to."""
    now = stored_now() + wait
    row = _locked(node, digest)
    if row is None:
        try:
            with db.session.begin_nested():
                db.session.add(CopyRemoval(node=node, digest=digest, is_aside=False, due_at=now))
            return
        except IntegrityError:  # another mail with the same copy, at the same time
            row = _locked(node, digest)
    if row is not None:
        # What is aside is; what was put since has to follow, and be waited for anew.
        row.is_aside, row.due_at = False, now


def take_leave_of_all(copies: Sequence[tuple[str, str]], wait: timedelta = timedelta()) -> None:
    """Of many mails at once, by node and digest. Joins the transaction likewise; in few statements, as many mails may share a copy."""
    due_at = stored_now() + wait
    for node in sorted({node for node, _ in copies}):
        digests = sorted({digest for of, digest in copies if of == node})
        ours = (CopyRemoval.node == node, CopyRemoval.digest.in_(digests))
        there = set(db.session.scalars(select(CopyRemoval.digest).where(*ours).order_by(CopyRemoval.digest).with_for_update()))
        if there:
            again = update(CopyRemoval).where(CopyRemoval.node == node, CopyRemoval.digest.in_(there))
            db.session.execute(again.values(is_aside=False, due_at=due_at).execution_options(synchronize_session=False))
        _begin_all(node, [digest for digest in digests if digest not in there], due_at)


def _begin_all(node: str, digests: Sequence[str], due_at: datetime) -> None:
    try:
        with db.session.begin_nested():
            db.session.add_all(CopyRemoval(node=node, digest=digest, is_aside=False, due_at=due_at) for digest in digests)
    except IntegrityError:  # somebody else has taken leave of one of them, at the same time
        for digest in digests:
            take_leave(node, digest, due_at - stored_now())


def remove_due(limit: int = _AT_ONCE) -> int:
    """One step of each removal of this node that is due. Each may be repeated: whoever dies in between leaves it to the next."""
    done = 0
    found = due_removals(own_node(), stored_now(), limit)
    db.session.rollback()
    for node, digest in found:
        try:
            done += _step(node, digest)
        except Unavailable as error:  # each would wait for the same silence, and on SQLite all who write with it
            log.error("store: %d copies cannot be removed: %s", len(found), error)
            _put_off(found)
            break
        except (MailkeepError, OSError) as error:
            log.error("store: %s cannot be removed: %s", digest, error)
            _put_off([(node, digest)])
    return done


def own_node() -> str | None:
    """None where all nodes keep their copies in one store: any of them removes what nobody refers to."""
    return None if is_shared(current_app.config["STORE_URL"]) else current_app.config["NODE_NAME"]


def _step(node: str, digest: str) -> bool:
    """Under the row's lock, so that nobody acts on what he saw before somebody else was done."""
    store = store_for(current_app.config["STORE_URL"])
    with cast(PanelSession, db.session()).begin_writing():
        row = _locked(node, digest)
        if row is None or row.due_at > stored_now():
            db.session.rollback()
            return False
        if is_referred_to(digest, own_node()):
            store.bring_back(digest)
            db.session.delete(row)
        elif not row.is_aside:
            store.set_aside(digest)
            row.is_aside, row.due_at = True, stored_now() + GRACE
        else:
            store.discard(digest)
            if store.is_in_place(digest):  # put meanwhile, by whom has no row yet, or back after a power cut
                row.is_aside, row.due_at = False, stored_now() + GRACE
            else:
                log.info("store: %s is removed", digest)
                db.session.delete(row)
        db.session.commit()
    return True


def _put_off(copies: Sequence[tuple[str, str]]) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        for node, digest in copies:
            row = _locked(node, digest)
            if row is not None:
                row.due_at = max(row.due_at, stored_now() + _AGAIN)
        db.session.commit()


def _locked(node: str, digest: str) -> CopyRemoval | None:
    query = select(CopyRemoval).where(CopyRemoval.node == node, CopyRemoval.digest == digest)
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
