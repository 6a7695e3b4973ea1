"""Symbols: one shape, and which of them mean a virus."""

from typing import Any

import pytest

from app.rspamd.symbols import has_any, tidy, virus_of

PATTERNS = ("CLAM_VIRUS", "*_VIRUS", "VIRUS_*", "*_INFECTED")


def symbol(name: str, score: float = 0.0, *options: str) -> dict[str, Any]:
    return {"name": name, "score": score} | ({"options": list(options)} if options else {})


@pytest.mark.parametrize(
    ("symbols", "virus"),
    [
        ([], None),
        ([symbol("CLAM_VIRUS", 10, "Eicar")], "Eicar"),
        ([symbol("CLAM_VIRUS", 0, "Eicar")], "Eicar"),
        ([symbol("CLAM_VIRUS", 10)], "CLAM_VIRUS"),
        ([symbol("CLAM_VIRUS", 10, "")], "CLAM_VIRUS"),
        ([symbol("CLAM_VIRUS", 0)], None),
        ([symbol("CLAM_VIRUS_FAIL", 5, "timed out")], None),
        ([symbol("VIRUS_FAIL", 5, "timed out")], None),
        ([symbol("VIRUS_ENCRYPTED", 5, "a.zip")], None),
        ([symbol("VIRUS_MACRO", 5, "a.doc")], None),
        ([symbol("VIRUSES", 5, "x")], None),
        ([symbol("clam_virus", 5, "x")], None),
        ([symbol("A_VIRUS", 1, "Weak"), symbol("B_VIRUS", 9, "Strong"), symbol("C_INFECTED", 2, "Middle")], "Strong"),
        ([symbol("OTHER", 9, "x"), symbol("FOO_INFECTED", 1, "Foo.Bar")], "Foo.Bar"),
    ],
)
def test_a_virus_has_the_name_its_scanner_gave_it(symbols: list[dict[str, Any]], virus: str | None) -> None:
    assert virus_of(symbols, PATTERNS) == virus


def test_without_patterns_nothing_is_a_virus() -> None:
    assert virus_of([symbol("CLAM_VIRUS", 10, "Eicar")], ()) is None


def test_a_pattern_is_no_regular_expression() -> None:
    assert virus_of([symbol("AXB", 1)], ("A.B",)) is None


def test_a_name_is_looked_for_among_the_symbols() -> None:
    assert has_any([symbol("A"), symbol("B")], {"B", "C"})
    assert not has_any([symbol("A")], {"B"})
    assert not has_any([symbol("A")], ())


@pytest.mark.parametrize(
    ("item", "found", "good"),
    [
        ({"name": "A", "score": 1}, {"name": "A", "score": 1.0}, True),
        ({"name": "A"}, {"name": "A", "score": 0.0}, True),
        ({"name": "A", "score": "1.5"}, {"name": "A", "score": 1.5}, True),
        ({"name": "A", "score": 0.09999999999999998}, {"name": "A", "score": 0.1}, True),
        ({"name": "A", "score": float("nan")}, {"name": "A", "score": 0.0}, False),
        ({"name": "A", "score": float("inf"), "weight": []}, {"name": "A", "score": 0.0, "weight": 0.0}, False),
        ({"name": "A", "score": 10**400}, {"name": "A", "score": 0.0}, False),
        ({"name": "A", "score": 0, "groups": [], "group": ""}, {"name": "A", "score": 0.0}, True),
        ({"name": "A", "score": 0, "options": [1, None, "a\r\nb\0"]}, {"name": "A", "score": 0.0, "options": ["1", "", "a b\ufffd"]}, True),
        ({"name": "A", "score": 0, "secret": 1}, {"name": "A", "score": 0.0}, True),
    ],
)
def test_a_symbol_is_brought_into_shape(item: dict[str, Any], found: dict[str, Any], good: bool) -> None:
    assert tidy([item]) == ((found,), good)


@pytest.mark.parametrize("item", [{}, {"score": 1}, {"name": ""}, "A", None, ["A"]])
def test_what_has_no_name_is_left_out_and_noted(item: object) -> None:
    assert tidy([item, {"name": "A", "score": 1}]) == (({"name": "A", "score": 1.0},), False)
