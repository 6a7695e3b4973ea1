"""What was typed or uploaded, kept until it is confirmed: in the database, so that any process of any node goes on with it."""

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, cast

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from app.clock import stored_now
from app.errors import BadRequest, NotFound, TooLarge
from app.extensions import PanelSession, db
from app.mime.text import clean
from app.models import Map, MapUpload, MapUploadPart
from app.rspamd.map_lines import FORMS

_PIECE = 256 << 10
_KEPT = timedelta(hours=24)
_MOST = 5
# No form gives these back as they were.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def keep_upload(found: Map, user_id: int, stream: IO[bytes], most: int, *, name: str = "", form: str = "text") -> MapUpload:
    """Piece by piece; the oldest of too many of one person's, and all of yesterday's, go."""
    if form not in FORMS:
        raise BadRequest(_("Entries come as text, CSV or JSON."))
    upload = MapUpload(
        token=secrets.token_urlsafe(32), map_id=found.id, user_id=user_id, name=name[:200], form=form, size=0, made_at=stored_now()
    )
    _tidy_up(user_id)
    db.session.add(upload)
    db.session.flush()
    number = 0
    while piece := stream.read(_PIECE):
        upload.size += len(piece)
        if upload.size > most:
            db.session.rollback()
            raise TooLarge(_("That is more than %(most)s bytes at once; `flask maps import` takes more.", most=most))
        db.session.add(MapUploadPart(upload_id=upload.id, number=number, data=piece))
        db.session.flush()
        number += 1
    if not upload.size:
        db.session.rollback()
        raise BadRequest(_("There is nothing to import."))
    db.session.commit()
    return upload


def upload_of(found: Map, user_id: int, token: str) -> MapUpload:
    """Only whoever brought it goes on with it."""
    upload = db.session.scalar(
        select(MapUpload).where(MapUpload.token == clean(token[:64]), MapUpload.user_id == user_id, MapUpload.map_id == found.id)
    )
    if upload is None:
        raise _gone()
    return upload


def _gone() -> NotFound:
    return NotFound(_("What was to be imported is no longer kept; bring it again."))


def still_kept(upload_id: int) -> MapUpload:
    """Locked until the transaction ends: of two who confirm at once, the second finds it gone."""
    upload = db.session.scalar(select(MapUpload).where(MapUpload.id == upload_id).with_for_update())
    if upload is None:
        raise _gone()
    return upload


def pieces_of(upload: MapUpload) -> Iterator[bytes]:
    """All of it, or NotFound at its end: what was dropped meanwhile must not look like a shorter list."""
    return _pieces(upload.id, upload.size)


def _pieces(upload_id: int, left: int) -> Iterator[bytes]:
    number = 0
    query = select(MapUploadPart.data).where(MapUploadPart.upload_id == upload_id)
    while left > 0:
        piece = db.session.scalar(query.where(MapUploadPart.number == number))
        if piece is None:
            raise _gone()
        yield piece
        left -= len(piece)
        number += 1


def text_of(upload: MapUpload, most: int) -> str | None:
    """As it may be shown to be mended; None for what is larger, or would not come back as it was."""
    if upload.size > most:
        return None
    try:
        text = b"".join(pieces_of(upload)).decode()
    except UnicodeDecodeError:
        return None
    return None if _UNSHOWN.search(text) else text


def drop_upload(upload: MapUpload) -> None:
    """In the transaction of whoever calls."""
    _drop([upload.id])


def forget_upload(upload_id: int) -> None:
    """What is not wanted after all, or has gone by itself."""
    with cast(PanelSession, db.session()).begin_writing():
        _drop([upload_id])
        db.session.commit()


def forget_old() -> int:
    """Of all people; how many have gone: some at a time."""
    with cast(PanelSession, db.session()).begin_writing():
        old = _old_ones()
        _drop(old)
        db.session.commit()
    return len(old)


def _old_ones() -> list[int]:
    return list(db.session.scalars(select(MapUpload.id).where(MapUpload.made_at < stored_now() - _KEPT).limit(100)))


def _drop(ids: list[int]) -> None:
    db.session.execute(delete(MapUploadPart).where(MapUploadPart.upload_id.in_(ids)))
    db.session.execute(delete(MapUpload).where(MapUpload.id.in_(ids)))


def _tidy_up(user_id: int) -> None:
    old = _old_ones()
    mine = select(MapUpload.id).where(MapUpload.user_id == user_id)
    if (db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= _MOST:
        old += db.session.scalars(mine.order_by(MapUpload.id).limit(1)).all()
    if old:
        _drop(old)
