"""The search of a request: its terms, whose mails, and the page it asks for. Shared by the list, its statistics, exports and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request
from flask_babel import gettext as _

from app.errors import BadRequest
from app.forms.labels import term_label
from app.forms.search import Term, as_pairs, read_filters, read_terms
from app.ids import MAX_ID
from app.queries.search import Found, Search, find
from app.queries.statistics import Statistics, statistics_of
from app.queries.visibility import scope_of, sees_all
from app.views.zone import viewer_zone


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter as it is shown, and the search without it."""

    label: str
    without: list[tuple[str, str]]


def asked_terms() -> list[Term]:
    return read_terms(request.args.items(multi=True), hidden_fields())


def hidden_fields() -> frozenset[str]:
    """Fields by which nobody finds out what he may not see: headers name blind copies, and symbols are for those who may see them."""
    hidden = set() if sees_all(g.user) else {"headers"}
    if not current_app.extensions["appbuilder"].sm.has_access("can_symbols", "MailLogView"):
        hidden.add("symbol")
    return frozenset(hidden)


def asked_search(terms: Sequence[Term]) -> Search:
    """Only ever in the mails that who asks may see."""
    return Search(scope_of(g.user), read_filters(terms, viewer_zone()))


def asked_page(search: Search) -> Found:
    config = current_app.config
    before, after = asked_key("before"), asked_key("after")
    return find(search, asked_size(), before=before, after=after, seconds=config["SEARCH_SECONDS"], cap=config["COUNT_CAP"])


def asked_statistics(search: Search) -> Statistics:
    return statistics_of(search, current_app.config["SEARCH_SECONDS"], current_app.config["COUNT_CAP"])


def asked_size() -> int:
    return int(asked_number("size", current_app.config["PAGE_SIZE"], current_app.config["MAX_PAGE_SIZE"]))


def asked_key(name: str) -> Any:
    """An id to page from, or None."""
    return asked_number(name, None, MAX_ID - 1)


def asked_number(name: str, default: int | None, most: int) -> Any:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise BadRequest(_("%(name)s has to be a whole number from 1 to %(most)s.", name=name, most=most))
    return int(text)


def chips(terms: Sequence[Term]) -> list[Chip]:
    return [Chip(term_label(term), as_pairs([*terms[:place], *terms[place + 1 :]])) for place, term in enumerate(terms)]
