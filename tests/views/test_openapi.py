"""The description of the API is what it says it is: valid, whole, and of every door that programs have."""

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from tests.make import login


@pytest.fixture
def described(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = login(app, "root").get("/api/v1/_openapi").get_json()
    return found


def test_it_is_a_valid_description(described: dict[str, Any]) -> None:
    validate(described)


def test_every_door_is_in_it_with_its_arguments_and_the_three_ways_in(app: Flask, described: dict[str, Any]) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(("/api/v1/mail", "/api/v1/nodes", "/api/v1/statistics")):
            continue
        operations = described["paths"][re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            told = operations[method.lower()]
            arguments = {each["name"] for each in told.get("parameters", ()) if each["in"] == "path"}
            assert (arguments, {"basic": []} in told["security"], "401" in told["responses"]) == (rule.arguments, True, True), rule.rule


def test_no_two_paths_of_it_are_the_same_but_for_the_names_of_their_arguments(described: dict[str, Any]) -> None:
    shapes = [re.sub(r"\{[^}]*\}", "{}", path) for path in described["paths"]]
    assert sorted(shapes) == sorted(set(shapes))


def test_the_statistics_say_what_they_may_answer_instead(described: dict[str, Any]) -> None:
    assert set(described["paths"]["/api/v1/statistics"]["get"]["responses"]) == {"200", "400", "401", "403", "404", "503"}
    assert "503" in described["components"]["responses"]
