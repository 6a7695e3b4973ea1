"""The mails of a search as CSV or JSON: streamed a page at a time, up to a cap that the file itself tells of."""

import csv
import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from app.clock import utcnow
from app.errors import BadRequest, Unavailable
from app.ids import MAX_ID, id_time
from app.queries.bounded import Deadline
from app.queries.search import Search, find, further

log = logging.getLogger(__name__)
_PAGE = 500
_AT_ONCE = threading.BoundedSemaphore(4)
"""Exports of one process: each holds a thread and reads as fast as it can."""
COLUMNS = (
    "id",
    "received_at",
    "node",
    "action",
    "score",
    "direction",
    "ip",
    "mail_from",
    "mime_from",
    "first_rcpt",
    "rcpt_count",
    "subject",
    "size",
    "has_virus",
    "has_risk",
    "listed",
    "copy_state",
    "notice_state",
    "release_state",
)
# What a spreadsheet would take for a formula, also where it takes ; for what separates the cells.
_FORMULA = re.compile(r"(^|[;|\t])(?=\s*[=+\-@])|^(?=[\t\r])")


def exported(search: Search, kind: str) -> Response:
    makers = {"csv": (_csv, "text/csv"), "json": (_json, "application/json")}
    if kind not in makers:
        raise BadRequest(_("An export is csv or json."))
    make, mimetype = makers[kind]
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    most = app.config["EXPORT_ROWS"]
    endings = {
        False: str(_("There are more: this export ends at %(most)s mails.", most=most)),
        True: str(_("There may be more: time ran out before all mails were looked at.")),
    }
    place = Place()
    response = Response(place.kept_while(make(_rows(app, search, most), most, endings)), mimetype=mimetype)
    response.call_on_close(place.leave)
    response.headers["Content-Disposition"] = f"attachment; filename=mails-{utcnow():%Y%m%d-%H%M%S}.{kind}"
    return response


class Place:
    """One of the few exports that may run at once: given back at its end, or when the client goes before it began."""

    def __init__(self) -> None:
        if not _AT_ONCE.acquire(blocking=False):
            raise Unavailable(_("Too many exports are running; try again in a while."))
        self._taken = True

    def leave(self) -> None:
        if self._taken:
            self._taken = False
            _AT_ONCE.release()

    def kept_while(self, pieces: Iterator[str]) -> Iterator[str]:
        try:
            yield from pieces
        finally:
            self.leave()


def record_of(row: Any) -> dict[str, Any]:
    """Ids are text: 63 bits do not fit a JavaScript number."""
    values = {name: getattr(row, name) for name in COLUMNS if name not in ("id", "received_at")}
    return {"id": str(row.id), "received_at": id_time(row.id).isoformat()} | values


def _rows(app: Flask, search: Search, most: int) -> Iterator[Any]:
    """One more than `most`, so that the file can tell that there are more; None where the database gave up. No context is held while
    the client reads."""
    before: int | None = MAX_ID
    wanted = most + 1
    deadline = Deadline(app.config["EXPORT_SECONDS"])
    while before is not None and wanted > 0:
        if deadline.is_over:
            yield None
            return
        try:
            with app.app_context():
                page = find(search, min(_PAGE, wanted), before=before, seconds=app.config["SEARCH_SECONDS"] * 4, cap=_PAGE)
        except SQLAlchemyError:
            log.exception("an export broke off")
            yield None
            return
        yield from page.rows
        wanted -= len(page.rows)
        before = further(page, before)
    if before is None and page.searched_to is not None:
        yield None


def _csv(rows: Iterator[Any], most: int, endings: dict[bool, str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        if number > most or row is None:
            writer.writerow([endings[row is None]])
            break
        writer.writerow([cell(value) for value in record_of(row).values()])
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell(value: Any) -> Any:
    if isinstance(value, str):
        return _FORMULA.sub(r"\1'", value)
    return "" if value is None else value


def _json(rows: Iterator[Any], most: int, _endings: dict[bool, str]) -> Iterator[str]:
    complete = True
    yield '{"mails": ['
    for number, row in enumerate(rows, 1):
        if number > most or row is None:
            complete = False
            break
        yield ("" if number == 1 else ",\n") + json.dumps(record_of(row), ensure_ascii=False)
    yield f'],\n"complete": {json.dumps(complete)}}}\n'
