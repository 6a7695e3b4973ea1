"""A search as it stands in the URL, `field.operator=value` any number of times, read into filters. What does not fit is told by name."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import tzinfo

from flask_babel import gettext as _

from app.errors import BadRequest
from app.forms.quick import quick_filters
from app.forms.values import read_value
from app.models import MailDetail
from app.queries.fields import FIELDS, Filter, Kind, Op

MAX_TERMS = 30
MAX_VALUE = 500
MAX_WIDE_TERMS = 4
MAX_WIDE_VALUE = 200
"""Of those that read the headers or symbols of each mail."""
_WIDE = frozenset(name for name, field in FIELDS.items() if field.column is not None and field.column.class_ is MailDetail)
# Parameters that are no filters: what to show of what was found.
_TERM = re.compile(r"([a-z_]+\.[a-z_]+)=(.*)", re.DOTALL)
_OTHERS = frozenset({"size", "before", "after", "format"})


@dataclass(frozen=True, slots=True)
class Term:
    """One filter as it was typed."""

    field: str
    op: Op
    text: str

    @property
    def name(self) -> str:
        return "q" if self.field == "q" else f"{self.field}.{self.op}"


def read_terms(pairs: Iterable[tuple[str, str]], hidden: Collection[str] = ()) -> list[Term]:
    """The filters among the parameters of a request, in their order; BadRequest for one there is no such of, or a `hidden` one."""
    terms: list[Term] = []
    for name, text in pairs:
        field, dot, op = name.partition(".")
        if name == "q":
            op, dot = Op.IS, "."
        if name in _OTHERS:
            continue
        if not dot or field not in FIELDS or field in hidden or op not in FIELDS[field].ops:
            raise BadRequest(_("There is no filter %(name)s.", name=name[:80]))
        if len(text) > (MAX_WIDE_VALUE if field in _WIDE else MAX_VALUE) or "\0" in text:
            raise BadRequest(_("%(name)s: that is too long to search for, or no text.", name=name))
        if text.strip() or op == Op.EMPTY:
            terms.append(Term(field, Op(op), text.strip()))
    if sum(term.field in _WIDE for term in terms) > MAX_WIDE_TERMS:
        raise BadRequest(_("A search has at most %(count)s filters of headers and symbols.", count=MAX_WIDE_TERMS))
    if len(terms) > MAX_TERMS:
        raise BadRequest(_("A search has at most %(count)s filters.", count=MAX_TERMS))
    return terms


def read_filters(terms: Iterable[Term], zone: tzinfo) -> tuple[Filter, ...]:
    """Days and hours are those of `zone`."""
    filters: list[Filter] = []
    for term in terms:
        field = FIELDS[term.field]
        if field.kind is Kind.QUICK:
            filters += quick_filters(term.text)
        else:
            filters.append(Filter(term.field, term.op, read_value(field, term.op, term.text, zone)))
    return tuple(filters)


def read_pairs(words: Iterable[str]) -> list[tuple[str, str]]:
    """As somebody types them on the command line: sender.contains=example.net, or words."""
    return [(found[1], found[2]) if (found := _TERM.fullmatch(word)) else ("q", word) for word in words]


def as_pairs(terms: Iterable[Term]) -> list[tuple[str, str]]:
    """The other way: parameters of a URL."""
    return [(term.name, term.text) for term in terms]
