"""The entries of a map as text, CSV or JSON, so that reading them gives the same again."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from app.mime.text import one_line
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_records import FIELDS
from app.rspamd.map_text import line_of
from app.rspamd.map_values import Caution, read_value

_AT_ONCE = 16_384
# What a spreadsheet would take for a formula. One more apostrophe is put before it, and reading takes one away.
_FORMULA = re.compile(r"(^|[;|\t])(?='*\s*[=+\-@])|^(?='*[\t\r])")
_SEPARATORS = frozenset(";|\t")
_GUARDED = re.compile(r"(^|[;|\t])'(?='*\s*[=+\-@])|^'(?='*[\t\r])")
_MAYBE_WORDS = (MapKind.DOMAIN, MapKind.ADDRESS_OR_DOMAIN, MapKind.HOST, MapKind.PAIR)


class Row(Protocol):
    """An entry."""

    @property
    def value(self) -> str: ...
    @property
    def data(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def score(self) -> float | None: ...
    @property
    def comment(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def expires_at(self) -> datetime | None: ...


def write_lines(kind: MapKind, form: str, rows: Iterable[Row]) -> Iterator[str]:
    """Pieces of the file. Text keeps no expiry; what is disabled stands there as a remark."""
    pieces = {"text": _text, "csv": _csv, "json": _json}[form](kind, rows)
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _AT_ONCE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


def guarded(text: str) -> str:
    if not text or (text[0].isalnum() and _SEPARATORS.isdisjoint(text)):  # as nearly everything is
        return text
    return _FORMULA.sub(r"\1'", text)


def unguarded(text: str) -> str:
    return _GUARDED.sub(r"\1", text) if "'" in text else text


def _text(kind: MapKind, rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        line = line_of(kind, row.value, row.data, row.symbol, row.score)
        if not row.enabled:
            line = f"# {_as_value(kind, row.value, line)}"
        comment = one_line(row.comment)
        yield f"{line} # {comment}\n" if comment else f"{line}\n"


def _as_value(kind: MapKind, value: str, line: str) -> str:
    """A single word in quotes: so it is no remark."""
    if kind not in _MAYBE_WORDS or "@" in value or Caution.NO_DOT not in read_value(kind, value).warnings:
        return line
    return f'"{value}"{line[len(value) :]}'


def _csv(_kind: MapKind, rows: Iterable[Row]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for row in rows:
        texts = [guarded(text) for text in (row.value, row.data, row.symbol)]
        enabled = "yes" if row.enabled else "no"
        expires = row.expires_at.isoformat(timespec="seconds") if row.expires_at else ""
        writer.writerow([*texts, "" if row.score is None else row.score, guarded(one_line(row.comment)), enabled, expires])
        if buffer.tell() > _AT_ONCE:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _json(_kind: MapKind, rows: Iterable[Row]) -> Iterator[str]:
    """An object a line; what says nothing is left out."""
    yield '{"entries": ['
    for number, row in enumerate(rows):
        expires = row.expires_at.isoformat(timespec="seconds") if row.expires_at else ""
        values = (row.value, row.data, row.symbol, row.score, row.comment, None if row.enabled else False, expires)
        fields = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None and value != ""}
        yield (",\n" if number else "\n") + json.dumps(fields, ensure_ascii=False)
    yield "\n]}\n"
