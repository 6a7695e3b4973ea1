"""Search filters: index-friendly, escaped, and a value that does not fit the column is a 400, never a guess."""

import ipaddress
from typing import Any

from flask import g
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla import filters as fab
from flask_babel import lazy_gettext as _l
from sqlalchemy import Boolean, Float, Integer, Numeric, exists
from werkzeug.exceptions import BadRequest

from app.models import Mail, MailRecipient
from app.models.base import IpAddress
from app.queries.visibility import mail_seen_by

_MAX_VALUE = 500


def escaped(text: str) -> str:
    """So that % and _ in what a visitor types mean themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


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
            if isinstance(kind, IpAddress):
                return str(ipaddress.ip_address(value.strip()))
        except (ValueError, KeyError):
            raise BadRequest(f"{value[:50]!r} does not fit {self.column_name}.") from None
        if len(value) > _MAX_VALUE or "\0" in value:
            raise BadRequest("That is too long to search for, or no text.")
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


class NotEqual(_Filter):
    name = _l("is not")
    arg_name = "neq"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field() != self.typed(value))


class StartsWith(_Filter):
    name = _l("starts with")
    arg_name = "sw"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field().like(escaped(self.typed(value)) + "%", escape="\\"))


class Contains(_Filter):
    name = _l("contains")
    arg_name = "ct"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self.field().like(f"%{escaped(self.typed(value))}%", escape="\\"))


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


class LowerEqual(Equal):
    """For columns we keep in lower case: the index is used, and what is typed may be in any case."""

    def typed(self, value: Any) -> Any:
        return super().typed(value).lower()


class LowerStartsWith(StartsWith):
    def typed(self, value: Any) -> Any:
        return super().typed(value).lower()


class HasRecipient(LowerEqual):
    """Any of the mail's recipients, through their own index."""

    def apply(self, query: Any, value: Any) -> Any:
        wanted = self.typed(value)
        return query.filter(exists().where(MailRecipient.mail_id == Mail.id, MailRecipient.address == wanted))


class SeenMail(BaseFilter):
    """The scope of every mail view."""

    name = "seen mail"

    def apply(self, query: Any, _value: Any) -> Any:
        return query.filter(mail_seen_by(g.user))


class FilterConverter(fab.SQLAFilterConverter):
    """Which operators a column offers, by its kind; the first that fits counts."""

    conversion_table: Any = (
        ("is_relation_many_to_one", [fab.FilterRelationOneToManyEqual]),
        ("is_relation_one_to_one", [fab.FilterRelationOneToManyEqual]),
        ("is_relation_many_to_many", [fab.FilterRelationManyToManyEqual]),
        ("is_relation_one_to_many", [fab.FilterRelationManyToManyEqual]),
        ("is_recipient", [HasRecipient]),
        ("is_ip", [Equal]),
        ("is_lower", [LowerEqual, LowerStartsWith]),
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
