"""Verbs: one unit of work each; they own their commit and know no request."""

from flask import Flask, current_app

from app.extensions import db
from app.services import letters, notice_policy
from app.services.assembly import Assembly
from app.services.background import Background
from app.services.map_feed import MapFeed
from app.services.map_fetches import FetchNotes
from app.services.map_files import MapWriter
from app.services.peers import Peers
from app.services.syslog import Syslog
from app.storage.map_texts import TextFolder


def init_app(app: Flask) -> None:
    letters.prepare(app)
    app.extensions["mailkeep_background"] = Background(app)
    app.extensions["mailkeep_peers"] = Peers(app.config["THREADS"])
    book = app.extensions["mailkeep_nodes"]
    if app.config["AUDIT_SYSLOG"]:
        app.extensions["mailkeep_syslog"] = Syslog(app.config["AUDIT_SYSLOG"])
    app.extensions["mailkeep_intake"] = Assembly(app, lambda: book.number_of(app.config["NODE_NAME"]), book.refresh)
    with app.app_context():
        engine = db.engine
        notice_policy.prepare(app, engine)
    app.extensions["mailkeep_maps"] = MapFeed(engine, TextFolder(app.config["MAPS_DIR"]), app.config["DB_PATIENCE_SECONDS"], book.refresh)
    folder = app.config["MAPS_FILES_DIR"]
    app.extensions["mailkeep_map_files"] = MapWriter(app.extensions["mailkeep_maps"], folder) if folder else None
    app.extensions["mailkeep_map_fetches"] = FetchNotes(engine, app.extensions["mailkeep_background"])


def assembly() -> Assembly:
    found: Assembly = current_app.extensions["mailkeep_intake"]
    return found
