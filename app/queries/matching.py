"""LIKE patterns: what a visitor types means itself, and is compared without regard to case where the column keeps it."""

import sys
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_

from app.extensions import db

_ESCAPE = "!"  # a backslash is itself escaped, and not alike on the three databases


def escaped(text: str) -> str:
    """So that % and _ mean themselves."""
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text


def starts_with(column: Any, text: str) -> ColumnElement[bool]:
    matched: ColumnElement[bool] = column.like(escaped(text) + "%", escape=_ESCAPE)
    return matched


def prefix_range(column: Any, text: str) -> ColumnElement[bool] | None:
    """A prefix as a range of the column's index, with the columns that are compared byte for byte; PostgreSQL sorts by language."""
    last = ord(text[-1])
    if db.engine.dialect.name == "postgresql" or last == sys.maxunicode:
        return None
    following = "\ue000" if last == 0xD7FF else chr(last + 1)  # between the two stands nothing that is a character
    return and_(column >= text, column < text[:-1] + following, starts_with(column, text))


def in_domains(column: Any, domains: Iterable[str]) -> ColumnElement[bool]:
    """An address in one of them; no index serves it."""
    return or_(false(), *(column.like(f"%{escaped('@' + domain)}", escape=_ESCAPE) for domain in domains))


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """For columns that are all lower case, or whose case counts."""
    matched: ColumnElement[bool] = column.like(f"%{escaped(text)}%", escape=_ESCAPE)
    return matched


def contains_any_case(column: Any, text: str) -> ColumnElement[bool]:
    """MariaDB's collation folds the case of such columns; SQLite folds that of ASCII."""
    if db.engine.dialect.name == "postgresql":
        return func.lower(column).like(f"%{escaped(text.lower())}%", escape=_ESCAPE)
    return contains(column, text)
