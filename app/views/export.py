"""The mails of a search as CSV or JSON: streamed a page at a time, up to a cap that the file itself tells of."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app
from flask_babel import gettext as _

from app.clock import utcnow
from app.errors import BadRequest
from app.ids import MAX_ID, id_time
from app.queries.search import Search, find, further

_PAGE = 500
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
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def exported(search: Search, kind: str) -> Response:
    makers = {"csv": (_csv, "text/csv"), "json": (_json, "application/json")}
    if kind not in makers:
        raise BadRequest(_("An export is csv or json."))
    make, mimetype = makers[kind]
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    most = app.config["EXPORT_ROWS"]
    ending = _("There are more: this export ends at %(most)s mails.", most=most)
    response = Response(make(_rows(app, search, most), most, ending), mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename=mails-{utcnow():%Y%m%d-%H%M%S}.{kind}"
    return response


def record_of(row: Any) -> dict[str, Any]:
    """Ids are text: 63 bits do not fit a JavaScript number."""
    values = {name: getattr(row, name) for name in COLUMNS if name not in ("id", "received_at")}
    return {"id": str(row.id), "received_at": id_time(row.id).isoformat()} | values


def _rows(app: Flask, search: Search, most: int) -> Iterator[Any]:
    """One more than `most`, so that the file can tell that there are more. No context is held while the client reads."""
    before: int | None = MAX_ID
    wanted = most + 1
    while before is not None and wanted > 0:
        with app.app_context():
            page = find(search, min(_PAGE, wanted), before=before, seconds=app.config["SEARCH_SECONDS"] * 4, cap=_PAGE)
        yield from page.rows
        wanted -= len(page.rows)
        before = further(page, before)


def _csv(rows: Iterator[Any], most: int, ending: str) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        if number > most:
            writer.writerow([ending])
            break
        writer.writerow([_cell(value) for value in record_of(row).values()])
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _json(rows: Iterator[Any], most: int, _ending: str) -> Iterator[str]:
    complete = True
    yield '{"mails": ['
    for number, row in enumerate(rows, 1):
        if number > most:
            complete = False
            break
        yield ("" if number == 1 else ",\n") + json.dumps(record_of(row), ensure_ascii=False)
    yield f'],\n"complete": {json.dumps(complete)}}}\n'
