"""What each app of a run would make anew though it is the same in all of them, and is made once."""

import copy
from collections.abc import Iterable
from typing import Any

import flask_appbuilder.api
import flask_appbuilder.baseviews
from flask import Flask
from flask_appbuilder.api.convert import Model2SchemaConverter
from flask_appbuilder.hooks import get_before_request_hooks
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.orm import configure_mappers
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from app.extensions import db


class _Templates(BytecodeCache):
    """As they were compiled."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class _Statements(LRUCache[Any, Any]):
    """As they were compiled. SQLAlchemy takes each engine's dialect for a language of its own: here it is one with all that speak alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_spoken(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_spoken(key), value)


def _spoken(key: Any) -> tuple[Any, ...]:
    dialect, *statement = key
    return type(dialect), dialect.server_version_info, *statement


_templates, _statements = _Templates(), _Statements(1500)


def remember(app: Flask) -> Flask:
    app.jinja_env.bytecode_cache = _templates
    with app.app_context():
        db.engine.update_execution_options(compiled_cache=_statements)
    return app


def _remember_mappers() -> None:
    """What writes rows has a cache beside the engine's."""
    configure_mappers()
    for mapper in db.Model.registry.mappers:
        mapper._compiled_cache = _statements


def _remember_routes() -> None:
    """How a route is read, and how its URL is built: both depend on its words alone."""
    parse_rule, compile_builder = Rule._parse_rule, Rule._compile_builder
    read, built = dict[str, Any](), dict[Any, Any]()

    def parsed(rule: Rule, words: str) -> Iterable[Any]:
        if words not in read:
            before = len(rule._trace)
            parts = list(parse_rule(rule, words))
            read[words] = parts, rule._trace[before:], {name: _without_map(found) for name, found in rule._converters.items()}
            return parts
        parts, trace, converters = read[words]
        rule._trace += trace
        for name, converter in converters.items():
            rule._converters[name] = copy.copy(converter)
            rule._converters[name].map = rule.map
            rule.arguments.add(name)
        return list(parts)

    def builder(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in built:
            built[key] = compile_builder(rule, append_unknown)
        return built[key]

    Rule._parse_rule, Rule._compile_builder = parsed, builder  # type: ignore[method-assign]


def _without_map(converter: Any) -> Any:
    """Else the map of the first app would stay for ever."""
    kept = copy.copy(converter)
    kept.map = None
    return kept


def _remember_schemas() -> None:
    """Of FAB's APIs: they hold tables and the one session of all apps."""
    convert, kept = Model2SchemaConverter.convert, dict[Any, Any]()

    def converted(
        self: Model2SchemaConverter, columns: list[str], model: Any = None, nested: bool = True, parent_schema_name: str | None = None
    ) -> Any:
        if self.validators_columns:
            return convert(self, columns, model, nested, parent_schema_name)
        key = (type(self.datamodel), self.datamodel.obj, tuple(columns), model, nested, parent_schema_name)
        if key not in kept:
            kept[key] = convert(self, columns, model, nested, parent_schema_name)
        return kept[key]

    Model2SchemaConverter.convert = converted


def _remember_hooks() -> None:
    """The methods of a view that stand before the others, for which FAB looks at all it has."""
    kept: dict[type, list[str]] = {}

    def hooks_of(view: Any) -> list[Any]:
        if type(view) not in kept:
            kept[type(view)] = [hook.__name__ for hook in get_before_request_hooks(view)]
        return [getattr(view, name) for name in kept[type(view)]]

    flask_appbuilder.api.get_before_request_hooks = flask_appbuilder.baseviews.get_before_request_hooks = hooks_of


_remember_mappers()
_remember_routes()
_remember_schemas()
_remember_hooks()
