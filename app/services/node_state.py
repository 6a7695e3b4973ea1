"""What a node says of itself: in its own row, which all can read, and to whoever asks it."""

import pathlib
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import or_, select, update

from app.clock import now_ms, stored_now, utcnow
from app.extensions import PanelSession, db
from app.ids import id_time
from app.models import Node
from app.queries.health import spool_state
from app.queries.nodes import newest_mails
from app.services.moves import changed
from app.services.nonces import forget_old
from app.services.peering import ensure_own_secret
from app.version import VERSION

SECONDS = 30
_LOOKED_BACK = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Disk:
    used: int
    free: int


def own_disk() -> Disk:
    """Where the copies are; with a store elsewhere, where the spool is."""
    url: str = current_app.config["STORE_URL"]
    folder = pathlib.Path(url.removeprefix("file://") if url.startswith("file:") else current_app.config["SPOOL_DIR"])
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return Disk(usage.used, usage.free)


def own_state() -> dict[str, Any]:
    disk, spool = own_disk(), spool_state(current_app.config["SPOOL_DIR"])
    return {
        "node": current_app.config["NODE_NAME"],
        "version": VERSION,
        "time": now_ms() / 1000,
        "disk": {"used": disk.used, "free": disk.free},
        "spool": {"files": spool.segments, "seconds": spool.oldest_seconds, "failed": spool.failed},
    }


def note_state() -> bool:
    """Into this node's row, by one of its processes: whether that was this one. It also notes which nodes' mails have come."""
    now, name = stored_now(), current_app.config["NODE_NAME"]
    due = now - timedelta(seconds=SECONDS * 0.9)
    is_due = or_(Node.seen_at.is_(None), Node.seen_at < due, Node.seen_at > now)
    found = db.session.scalar(select(Node.number).where(Node.name == name, is_due))
    db.session.rollback()
    if found is None:  # most look for nothing: they keep nobody from writing
        return False
    disk, spool = own_disk(), spool_state(current_app.config["SPOOL_DIR"])
    said = {"version": VERSION, "disk_used": disk.used, "disk_free": disk.free}
    said |= {"spool_files": spool.segments, "spool_seconds": spool.oldest_seconds}
    with cast(PanelSession, db.session()).begin_writing():
        statement = update(Node).where(Node.name == name, is_due).values(seen_at=now, **said)
        is_ours = changed(statement)
        db.session.commit()
    if is_ours:
        _note_mails()
        forget_old()
        ensure_own_secret()
    return is_ours


def _note_mails() -> None:
    found = newest_mails(utcnow() - _LOOKED_BACK)
    db.session.rollback()
    if not found:
        return
    with cast(PanelSession, db.session()).begin_writing():
        for name, mail_id in found.items():
            at = id_time(mail_id).replace(tzinfo=None, microsecond=0)
            later = or_(Node.last_mail_at.is_(None), Node.last_mail_at < at)
            changed(update(Node).where(Node.name == name, later).values(last_mail_at=at))
        db.session.commit()
