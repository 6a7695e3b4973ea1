"""What was typed or uploaded, kept until it is confirmed: in the database, so that any process of any node goes on with it."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import IO

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from app.clock import stored_now
from app.errors import BadRequest, NotFound, TooLarge
from app.extensions import db
from app.models import Map, MapUpload, MapUploadPart

_PIECE = 256 << 10
_KEPT = timedelta(hours=24)
_MOST = 5
FORMS = ("text", "csv", "json")


def keep_upload(found: Map, user_id: int, stream: IO[bytes], *, name: str = "", form: str = "text") -> MapUpload:
    """Piece by piece; the oldest of too many of one person's, and all of yesterday's, go."""
    if form not in FORMS:
        raise BadRequest(_("Entries come as text, CSV or JSON."))
    most = current_app.config["MAPS_UPLOAD_BYTES"]
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
        select(MapUpload).where(MapUpload.token == token[:64], MapUpload.user_id == user_id, MapUpload.map_id == found.id)
    )
    if upload is None:
        raise NotFound(_("What was to be imported is no longer kept; bring it again."))
    return upload


def pieces_of(upload: MapUpload) -> Iterator[bytes]:
    number = 0
    query = select(MapUploadPart.data).where(MapUploadPart.upload_id == upload.id)
    while (piece := db.session.scalar(query.where(MapUploadPart.number == number))) is not None:
        yield piece
        number += 1


def drop_upload(upload: MapUpload) -> None:
    """In the transaction of whoever calls."""
    _drop([upload.id])


def _drop(ids: list[int]) -> None:
    db.session.execute(delete(MapUploadPart).where(MapUploadPart.upload_id.in_(ids)))
    db.session.execute(delete(MapUpload).where(MapUpload.id.in_(ids)))


def _tidy_up(user_id: int) -> None:
    old = list(db.session.scalars(select(MapUpload.id).where(MapUpload.made_at < stored_now() - _KEPT).limit(100)))
    mine = select(MapUpload.id).where(MapUpload.user_id == user_id)
    if (db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= _MOST:
        old += db.session.scalars(mine.order_by(MapUpload.id).limit(1)).all()
    if old:
        _drop(old)
