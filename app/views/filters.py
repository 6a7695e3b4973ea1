"""Search filters: index-friendly, escaped, and a value that does not fit the column is a 400, never a guess."""

from typing import Any

from flask import g
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla import filters as fab
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Boolean, Float, Integer, Numeric
from werkzeug.exceptions import BadRequest

from app.queries.matching import contains, starts_with
from app.queries.visibility import scope_of

_MAX_VALUE = 500


class _Filter(BaseFilter):
    def field(self) -> Any:
        return getattr(self.model, self.column_name)

    def typed(self, value: Any) -> Any:
        """What was typed, as the column's type; raises BadRequest."""
        if not isinstance(value, str):
            return value
        kind = self.model.__mapper__.columns[self.column_name].type
        try:
            if isinstance(kind, Boolean):
                return {"y": True, "true": True, "1": True, "": False, "false": False, "0": False, "n": False}[value.lower()]
            if isinstance(kind, Integer):
                return _bounded(int(value))
            if isinstance(kind, Float | Numeric):
                return float(value)
        except (ValueError, KeyError):
            raise BadRequest(_("“%(text)s” does not fit here.", text=value[:50])) from None
        if len(value) > _MAX_VALUE or "\0" in value:
            raise BadRequest(_("That is too long to search for, or no text."))
        return value.strip()


def _bounded(number: int) -> int:
    if abs(number) >= 1 << 63:
        raise ValueError(number)
    return number


class Equal(_Filter):
    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field() == self.typed(value))


class StartsWith(_Filter):
    name = _l("starts with")
    arg_name = "sw"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(starts_with(self.field(), self.typed(value)))


class Contains(_Filter):
    name = _l("contains")
    arg_name = "ct"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(contains(self.field(), self.typed(value)))


class AtLeast(_Filter):
    name = _l("at least")
    arg_name = "gte"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field() >= self.typed(value))


class AtMost(_Filter):
    name = _l("at most")
    arg_name = "lte"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field() <= self.typed(value))


class SeenMail(BaseFilter):
    """The scope of every mail view."""

    name = "seen mail"

    def apply(self, query: Any, _value: Any) -> Any:
        return query.filter(scope_of(g.user).condition())


class FilterConverter(fab.SQLAFilterConverter):
    """Which operators a column offers, by its kind; the first that fits counts."""

    conversion_table: Any = (
        ("is_relation_many_to_one", [fab.FilterRelationOneToManyEqual]),
        ("is_relation_one_to_one", [fab.FilterRelationOneToManyEqual]),
        ("is_relation_many_to_many", [fab.FilterRelationManyToManyEqual]),
        ("is_relation_one_to_many", [fab.FilterRelationManyToManyEqual]),
        ("is_text", [Contains]),
        ("is_string", [Equal, StartsWith]),
        ("is_boolean", [Equal]),
        ("is_integer", [Equal, AtLeast, AtMost]),
        ("is_float", [Equal, AtLeast, AtMost]),
        ("is_numeric", [Equal, AtLeast, AtMost]),
        ("is_datetime", [fab.FilterEqual, fab.FilterGreater, fab.FilterSmaller]),
        ("is_date", [fab.FilterEqual, fab.FilterGreater, fab.FilterSmaller]),
        ("is_column", []),  # the rest offers none, without a warning each
    )
