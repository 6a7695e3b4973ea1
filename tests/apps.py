"""An application as the tests want it: everything it keeps in one folder, no limit on logins."""

import pathlib
from typing import Any

from flask import Flask

from app import create_app
from app.extensions import db

SECRET = "tests-only-0123456789abcdef-0123456789"


def make_app(url: str, folder: pathlib.Path, **overrides: Any) -> Flask:
    settings: dict[str, Any] = {
        "SQLALCHEMY_DATABASE_URI": url,
        "SECRET_KEY": SECRET,
        "STORE_URL": f"file://{folder}/store",
        "SPOOL_DIR": str(folder / "spool"),
        "NODE_NAME": "mx1",
        "MIN_FREE_BYTES": 0,
        "TESTING": True,
        "RATELIMIT_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }
    return create_app(**settings | overrides)


def close(app: Flask) -> None:
    app.extensions["mailkeep_intake"].stop()
    app.extensions["mailkeep_background"].stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
