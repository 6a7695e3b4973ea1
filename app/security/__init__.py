"""Who you are."""

import pathlib

from flask import Flask

from app.extensions import db
from app.security import sessions, ways
from app.security.machine import NodeBook
from app.security.proxy import TrustedProxies


def init_app(app: Flask) -> None:
    app.extensions["mailkeep_proxies"] = TrustedProxies(app.wsgi_app, app.config["TRUSTED_PROXIES"])
    app.wsgi_app = app.extensions["mailkeep_proxies"]  # type: ignore[method-assign]
    sessions.init_app(app)
    ways.init_app(app)
    with app.app_context():
        app.extensions["mailkeep_nodes"] = NodeBook(db.engine, pathlib.Path(app.config["SPOOL_DIR"]) / "nodes.json")
