"""Many values at once, as they are pasted or uploaded: text, CSV or JSON, a line each, and a wrong one never spoils the others."""

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.mime.text import clean, one_line
from app.rspamd.map_export import unguarded, write_lines
from app.rspamd.map_kinds import COMMENT_LENGTH, MapKind
from app.rspamd.map_records import Record, csv_records, json_records, lines_of, unreadable
from app.rspamd.map_regexp import split_regexp
from app.rspamd.map_values import Caution, Value, Wrong, WrongValue, read_value, unquoted

__all__ = ("FORMS", "Line", "read_lines", "write_lines")

FORMS = ("text", "csv", "json")
_SHOWN = 200
_YES = frozenset(("", "yes", "y", "true", "1", "on"))
_NO = frozenset(("no", "n", "false", "0", "off"))
_FREE = (MapKind.TEXT, MapKind.VIRUS)
# In a text a # may be part of it; only with blanks around it begins a remark.
_REMARK = re.compile(r"\s#(?P<comment>.*)\Z", re.DOTALL)
_REMARK_IN_TEXT = re.compile(r"\s#(?:\s+(?P<comment>.*))?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """`value` is None where it is wrong. `number` is as an editor counts, from 1; `text` is as it came, cut for showing."""

    number: int
    text: str
    value: Value | None
    wrong: WrongValue | None
    enabled: bool
    comment: str = ""
    expires_at: datetime | None = None


def read_lines(kind: MapKind, form: str, chunks: Iterable[bytes]) -> Iterator[Line]:
    """`form` is one of FORMS. Blank lines and remarks give nothing; a remark whose words are a value of this kind is that, disabled."""
    if form == "text":
        for number, text, raw in lines_of(chunks):
            line = _wrong_line(unreadable(number, raw)) if text is None else _text_line(kind, number, text)
            if line is not None:
                yield line
        return
    records, undo = {"csv": (csv_records, unguarded), "json": (json_records, str)}[form]
    for record in records(chunks):
        line = _wrong_line(record) if record.wrong else _record_line(kind, record, undo)
        if line is not None:
            yield line


def _text_line(kind: MapKind, number: int, whole: str) -> Line | None:
    text = whole.strip().lstrip("\ufeff")
    if not text:
        return None
    enabled = text[0] != "#"
    comment = ""
    try:
        bare = text if enabled else text[1:].strip()
        if "#" in bare:
            bare, comment = _without_remark(kind, bare)
        value = read_value(kind, bare)
        if not enabled and _is_word(bare, value):
            return None
        return Line(number, _shown(whole), value, None, enabled, _comment(comment))
    except WrongValue as wrong:
        return Line(number, _shown(whole), None, wrong, True) if enabled else None


def _without_remark(kind: MapKind, text: str) -> tuple[str, str]:
    if kind is MapKind.REGEXP:
        regexp, rest = split_regexp(text)
        result, _mark, comment = rest.partition("#")
        return f"{regexp} {result}", comment.strip()
    quoted, rest = unquoted(text, "#")
    if quoted:
        result, _mark, comment = rest.partition("#")
        return f'"{quoted}" {result}', comment.strip()
    found = (_REMARK_IN_TEXT if kind in _FREE else _REMARK).search(text)
    return (text[: found.start()], (found["comment"] or "").strip()) if found else (text, "")


def _is_word(text: str, value: Value) -> bool:
    """A remark of one word could be a domain without a dot; it is meant as one where it stands in quotes."""
    return Caution.NO_DOT in value.warnings and "@" not in text and not text.startswith('"')


def _record_line(kind: MapKind, record: Record, undo: Any) -> Line | None:
    fields = record.fields
    enabled = True
    try:
        text = _value_text(kind, fields, undo)
        enabled = _enabled(fields.get("enabled"))
        hidden = text.lstrip().startswith("#")
        value = read_value(
            kind,
            text.lstrip()[1:] if hidden else text,
            data=_cell(fields.get("data"), undo),
            symbol=_cell(fields.get("symbol"), undo),
            score=_score(fields.get("score")),
        )
        if hidden and _is_word(text, value):
            return None
        comment, expires_at = _comment(_cell(fields.get("comment"), undo)), _expires(fields.get("expires"))
        return Line(record.number, _shown(record.text), value, None, enabled and not hidden, comment, expires_at)
    except WrongValue as wrong:
        if str(fields.get("value", "")).lstrip().startswith("#"):
            return None
        return Line(record.number, _shown(record.text), None, wrong, enabled)


def _value_text(kind: MapKind, fields: dict[str, Any], undo: Any) -> str:
    value = fields.get("value")
    if kind is MapKind.PAIR and not value and fields.get("sender") and fields.get("rcpt"):
        return f"{_cell(fields['sender'], undo)}|{_cell(fields['rcpt'], undo)}"
    return _cell(value, undo)


def _cell(value: Any, undo: Any) -> str:
    """A number may stand for its digits; lists and objects for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        raise WrongValue(Wrong.FIELDS, str(value)[:_SHOWN])
    text = undo(str(value))
    if not text.isprintable() and any("\udc80" <= char <= "\udcff" for char in text):
        raise WrongValue(Wrong.NOT_UTF8)
    return str(text)


def _enabled(value: Any) -> bool:
    text = "" if value is None else str(value).strip().lower()
    if text not in _YES | _NO:
        raise WrongValue(Wrong.ENABLED, text)
    return text in _YES


def _score(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool | list | dict):
            raise ValueError(value)
        return float(str(value).strip().lstrip("'").replace(",", "."))
    except ValueError:
        raise WrongValue(Wrong.SCORE, str(value)[:_SHOWN]) from None


def _expires(value: Any) -> datetime | None:
    """UTC where it says nothing else; a day is its first moment."""
    return None if value is None or value == "" else _moment(str(value).strip())


@functools.lru_cache(maxsize=64)
def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        if not 1970 < found.year <= 2200:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise WrongValue(Wrong.EXPIRES, text[:_SHOWN]) from None
    return found.replace(microsecond=0)


def _comment(text: str) -> str:
    text = one_line(text) if text else ""
    if len(text) > COMMENT_LENGTH:
        raise WrongValue(Wrong.COMMENT)
    return text


def _wrong_line(record: Record) -> Line:
    return Line(record.number, _shown(record.text), None, record.wrong, True)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN and text.isprintable() else clean(text[:_SHOWN].strip())
