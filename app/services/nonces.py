"""What may be used once: a request between nodes that was taken is known to all processes, and for as long as it could come again."""

from datetime import timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models import NodeNonce
from app.peers.claims import WINDOW_SECONDS

_KEPT = timedelta(seconds=3 * WINDOW_SECONDS)
_LEFT_BEHIND = timedelta(days=2)


def use(nonce: str) -> bool:
    """Whether it is the first time. Commits by itself."""
    with cast(PanelSession, db.session()).begin_writing():
        db.session.add(NodeNonce(nonce=nonce, node=current_app.config["NODE_NAME"], expires_at=stored_now() + _KEPT))
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            return False
    return True


def forget_old() -> None:
    """Only this node's, as another's clock may be behind ours; and those of days ago, whose node forgets nothing any more."""
    own = (NodeNonce.node == current_app.config["NODE_NAME"]) & (NodeNonce.expires_at < stored_now())
    old = or_(own, NodeNonce.expires_at < stored_now() - _LEFT_BEHIND)
    if db.session.scalar(select(NodeNonce.nonce).where(old).limit(1)) is None:
        db.session.rollback()
        return
    with cast(PanelSession, db.session()).begin_writing():
        db.session.execute(delete(NodeNonce).where(old))
        db.session.commit()


def forget_abandoned() -> int:
    """Of nodes that are gone, or have another name by now. A day is more than clocks differ."""
    with cast(PanelSession, db.session()).begin_writing():
        gone = cast(Any, db.session.execute(delete(NodeNonce).where(NodeNonce.expires_at < stored_now() - timedelta(days=1)))).rowcount
        db.session.commit()
    return int(gone)
