"""An application as the tests want it: everything it keeps in one folder, no limit on logins."""

import gc
import itertools
import pathlib
from typing import Any

from flask import Flask
from werkzeug.security import generate_password_hash

from app import create_app
from app.extensions import db
from app.queries import related
from tests.panels import hand_on
from tests.remembered import remember

SECRET = "tests-only-0123456789abcdef-0123456789"

# What our passwords are kept as (tests/security/test_logins.py), at next to no cost: there are thousands of them in a run.
CHEAP_HASH = "scrypt:128:1:1"
NOBODYS_HASH = generate_password_hash("nobody's", CHEAP_HASH)
_closed, _MANY = itertools.count(1), 100


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
    return remember(create_app(**settings | overrides))


def close(app: Flask) -> None:
    app.extensions["mailkeep_intake"].stop()
    app.extensions["mailkeep_background"].stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    hand_on(app)
    if next(_closed) % _MANY == 0:
        gc.collect()
        gc.freeze()  # what is left has stayed, and would be looked through each time
