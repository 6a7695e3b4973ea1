"""Who you are."""

import pathlib

from flask import Flask

from app.extensions import db
from app.security import acting, sessions, ways
from app.security.machine import NodeBook
from app.security.proxy import TrustedProxies


def init_app(app: Flask) -> None:
    app.wsgi_app = TrustedProxies(app.wsgi_app, app.config["TRUSTED_PROXIES"])  # type: ignore[method-assign]
    sessions.init_app(app)
    ways.init_app(app)
    acting.init_app(app)
    with app.app_context():
        app.extensions["mailkeep_nodes"] = NodeBook(db.engine, pathlib.Path(app.config["SPOOL_DIR"]) / "nodes.json")
