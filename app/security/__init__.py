"""Who you are."""

import pathlib
from urllib.parse import urlsplit

from flask import Flask

from app.extensions import db
from app.faces import own_url
from app.security import acting, programs, sessions, ways
from app.security.machine import NodeBook
from app.security.map_access import MapAccess
from app.security.prefix import BelowPath
from app.security.proxy import TrustedProxies


def init_app(app: Flask) -> None:
    with app.app_context():
        below = BelowPath(app.wsgi_app, urlsplit(own_url()).path)
    app.extensions["mailkeep_proxies"] = TrustedProxies(below, app.config["TRUSTED_PROXIES"])
    app.wsgi_app = app.extensions["mailkeep_proxies"]  # type: ignore[method-assign]
    sessions.init_app(app)
    ways.init_app(app)
    programs.init_app(app)
    acting.init_app(app)
    with app.app_context():
        book = NodeBook(db.engine, pathlib.Path(app.config["SPOOL_DIR"]) / "nodes.json")
    app.extensions["mailkeep_nodes"] = book
    app.extensions["mailkeep_map_access"] = MapAccess(book, app.config["MAPS_ALLOW"], app.config["MAPS_AUTH"])
