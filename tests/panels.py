"""The panel of an app that was closed goes to the next one that is set up alike: FAB takes most of an app's time to make it anew."""

from typing import Any, NamedTuple

from flask import Flask
from jinja2 import Environment
from werkzeug.routing import Map

from app.views import fab

# What a panel knows nothing of, and differs in each test.
_BESIDE = {"SQLALCHEMY_DATABASE_URI", "STORE_URL", "SPOOL_DIR", "MAPS_DIR"}
_BY_SCOPE = ("before_request_funcs", "after_request_funcs", "teardown_request_funcs", "template_context_processors")
_OTHERS = (
    *("teardown_appcontext_funcs", "shell_context_processors", "url_value_preprocessors"),
    *("url_default_functions", "url_build_error_handlers"),
)
_NAMED = ("extensions", "view_functions", "blueprints", "config")
_KINDS = 8


class _State(NamedTuple):
    """Of an app, before and after its panel was made."""

    named: dict[str, dict[str, Any]]
    by_scope: dict[str, dict[Any, list[Any]]]
    attributes: dict[str, Any]
    on_errors: dict[tuple[Any, ...], Any]
    others: list[int]
    """How much there is of what a panel has had no part in so far."""


class _Panel(NamedTuple):
    added: _State
    environment: Environment
    routes: Map
    rules: int
    own: list[tuple[dict[str, Any], dict[str, Any]]]
    """What its parts say of themselves, and said when it was made."""


_make = fab.make_appbuilder
_free: dict[str, list[_Panel]] = {}


def _state(app: Flask) -> _State:
    return _State(
        {name: dict(getattr(app, name)) for name in _NAMED},
        {name: {scope: list(found) for scope, found in getattr(app, name).items()} for name in _BY_SCOPE},
        dict(vars(app)),
        {
            (scope, code, error): handler
            for scope, codes in app.error_handler_spec.items()
            for code, handlers in codes.items()
            for error, handler in handlers.items()
        },
        [len(getattr(app, name)) for name in _OTHERS] + [len(app.cli.commands)],
    )


def _make_appbuilder(app: Flask) -> Any:
    kind = repr([(name, value) for name, value in app.config.items() if name not in _BESIDE])
    if waiting := _free.get(kind):
        panel = _handed_over(waiting.pop(), app)
    else:
        before = _state(app)
        _make(app)
        panel = _made_since(before, app)
    vars(app)["panel"] = kind, panel
    return app.extensions["appbuilder"]


def _made_since(before: _State, app: Flask) -> _Panel:
    after = _state(app)
    assert after.others == before.others, "a panel has more to hand over than is known here"
    named = {name: _new(before.named[name], after.named[name]) for name in _NAMED}
    by_scope = {
        name: {scope: found[len(before.by_scope[name].get(scope, ())) :] for scope, found in after.by_scope[name].items()}
        for name in _BY_SCOPE
    }
    attributes, on_errors = _new(before.attributes, after.attributes), _new(before.on_errors, after.on_errors)
    builder = app.extensions["appbuilder"]
    parts = (vars(builder), vars(builder.sm), app.jinja_env.globals, app.jinja_env.filters, *map(vars, builder.baseviews))
    added = _State(named, by_scope, attributes, on_errors, [])
    return _Panel(added, app.jinja_env, app.url_map, len(app.url_map._rules), [(part, dict(part)) for part in parts])


def _handed_over(panel: _Panel, app: Flask) -> _Panel:
    for name, found in panel.added.named.items():
        getattr(app, name).update(found)
    for name, scopes in panel.added.by_scope.items():
        for scope, functions in scopes.items():
            getattr(app, name)[scope].extend(functions)
    for (scope, code, error), handler in panel.added.on_errors.items():
        app.error_handler_spec[scope][code][error] = handler
    vars(app).update(panel.added.attributes)
    environment, new = panel.environment, app.jinja_env
    environment.globals.update(new.globals)
    environment.policies.update(new.policies)
    environment.autoescape = new.autoescape
    environment.app = environment.loader.app = app  # type: ignore[attr-defined, union-attr]
    for template in environment.cache.values():  # type: ignore[union-attr]
        template._module = None  # its macros know the app that they were read for
    vars(app).update(jinja_env=environment, url_map=panel.routes)
    return panel._replace(own=[(part, dict(part)) for part, _ in panel.own])


def hand_on(app: Flask) -> None:
    """Of an app that is closed; not where a test has put something of its own there, nor where who asked is counted."""
    kind, panel = vars(app).pop("panel", ("", None))
    if panel is None or app.config["RATELIMIT_ENABLED"]:
        return
    if len(panel.routes._rules) == panel.rules and not any(_is_touched(part, own) for part, own in panel.own):
        _free[kind] = [*_free.pop(kind, []), panel]
    while len(_free) > _KINDS:
        _free.pop(next(iter(_free)))  # what was used longest ago


def _new(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, Any]:
    return {name: value for name, value in after.items() if before.get(name, before) is not value}


def _is_touched(part: dict[str, Any], own: dict[str, Any]) -> bool:
    return len(part) != len(own) or bool(_new(own, part))


fab.make_appbuilder = _make_appbuilder
