"""An application as the tests want it: everything it keeps in one folder, no limit on logins."""

import gc
import itertools
import pathlib
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule
from werkzeug.security import generate_password_hash

from app import create_app
from app.extensions import db
from app.queries import related

SECRET = "tests-only-0123456789abcdef-0123456789"

# What our passwords are kept as (tests/security/test_logins.py), at a thirtieth of its cost: there are hundreds of logins in a run.
CHEAP_HASH = "scrypt:1024:8:1"
NOBODYS_HASH = generate_password_hash("nobody's", CHEAP_HASH)
_closed, _MANY = itertools.count(1), 100


class _Compiled(BytecodeCache):
    """Each app would compile all templates anew."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


def _remember_routes() -> None:
    """Werkzeug compiles how the URL of each route is built, which is half of what an app costs; it depends on the route's words alone."""
    compile_builder, kept = Rule._compile_builder, dict[Any, Any]()

    def remembered(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]


_remember_routes()
related._SECONDS = 10.0  # as SEARCH_SECONDS below


def make_app(url: str, folder: pathlib.Path, **overrides: Any) -> Flask:
    settings: dict[str, Any] = {
        "SQLALCHEMY_DATABASE_URI": url,
        "SECRET_KEY": SECRET,
        "STORE_URL": f"file://{folder}/store",
        "SPOOL_DIR": str(folder / "spool"),
        "MAPS_DIR": str(folder / "maps"),
        "NODE_NAME": "mx1",
        "MIN_FREE_BYTES": 0,
        "TESTING": True,
        "RATELIMIT_ENABLED": False,
        "SEARCH_SECONDS": 10.0,  # what is found is not to hang on how busy the machine is
        "LOG_LEVEL": "WARNING",
        "FAB_PASSWORD_HASH_METHOD": CHEAP_HASH,
        "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": NOBODYS_HASH,
    }
    app = create_app(**settings | overrides)
    app.jinja_env.bytecode_cache = _compiled
    return app


def close(app: Flask) -> None:
    app.extensions["mailkeep_intake"].stop()
    app.extensions["mailkeep_background"].stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    if next(_closed) % _MANY == 0:
        gc.collect()
