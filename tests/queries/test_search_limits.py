"""What a search may cost, whatever is typed into it."""

from urllib.parse import quote

import pytest
from flask import Flask

from app.errors import BadRequest
from app.extensions import db
from app.queries.fields import FIELDS
from app.queries.search import find
from app.services.insert import insert_entries
from tests.make import make_entry, make_raw
from tests.queries.test_search import search_of

ODD = ("\ud7ff", "\U0010ffff", "\x7f", "%", "!", "'", "\\", "0", "<@>", "..", "é", "9" * 30, "-1e300", "::", "1970-01-01T00:00:00+23:59")


def test_no_value_of_any_filter_is_too_much_for_the_database(any_app: Flask) -> None:
    asked = 0
    filters = [f"{field.name}.{op}" for field in FIELDS.values() for op in field.ops]
    for text in ODD:
        with any_app.test_request_context():
            for name in filters:
                try:
                    search = search_of(f"{name}={quote(text)}")
                except BadRequest:
                    continue
                assert find(search, 5).rows is not None, (text, name)
                asked += 1
    assert asked > len(ODD)


def test_a_filter_of_headers_looks_at_the_first_64_kb_and_is_held_by_its_time(any_app: Flask) -> None:
    with any_app.app_context():
        far = "x" * 70_000
        entries = [make_entry(make_raw(1), headers=f"X-Near: needle\n{far}"), make_entry(make_raw(2), headers=f"{far}\nX-Far: needle")]
        insert_entries(db.engine, entries, "mx1")
    with any_app.test_request_context():
        assert [row.id for row in find(search_of("headers.contains=needle"), 5).rows] == [entries[0].id]


def test_few_filters_of_one_search_read_what_is_wide(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(BadRequest):
        search_of(*["symbol.is=X"] * 5)
