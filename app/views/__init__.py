"""Doors: read the input, call one query or service, answer. Two tables say which there are: BLUEPRINTS here, MENU in fab.py."""

from flask import Flask
from flask_babel import Babel

from app.extensions import csrf
from app.rspamd.report import Limits
from app.views import addresses
from app.views.errors import register_errors
from app.views.health import health, metrics
from app.views.ingest import IngestDoor, ingest
from app.views.map_feed import MapDoor, map_feed
from app.views.node_api import node_api
from app.views.notice_links import notice_links

# Blueprint, the roles that serve it, what guards it.
BLUEPRINTS = (
    (health, {"web", "portal", "ingest", "jobs"}, "public; details only for METRICS_ALLOW"),
    (metrics, {"web", "ingest", "jobs"}, "METRICS_ALLOW"),
    (ingest, {"ingest"}, "Basic auth and address list of the node"),
    (map_feed, {"web", "ingest"}, "MAPS_ALLOW and the address lists of the nodes; Basic auth where it is sent, or MAPS_AUTH"),
    (notice_links, {"web", "portal"}, "the link itself: signed, for some days, once; and a press by hand on the page that it leads to"),
    (node_api, {"web", "ingest", "jobs"}, "the asking node's signature, addresses and clock; Basic auth where it was set, for reading"),
)


def register(app: Flask) -> None:
    roles = app.config["ROLES"]
    for blueprint, served_by, _guard in BLUEPRINTS:
        if served_by & set(roles):
            csrf.exempt(blueprint)  # no cookie counts there
            app.register_blueprint(blueprint)
    app.extensions["mailkeep_limits"] = Limits(
        body_bytes=app.config["MAX_BODY_BYTES"],
        metadata_bytes=app.config["MAX_METADATA_BYTES"],
        header_bytes=app.config["MAX_HEADER_BYTES"],
        recipients=app.config["MAX_RECIPIENTS"],
        symbols=app.config["MAX_SYMBOLS"],
    )
    doors: list[IngestDoor | MapDoor] = []
    if "ingest" in roles:
        app.extensions["mailkeep_ingest_door"] = IngestDoor(app)
        doors.append(app.extensions["mailkeep_ingest_door"])
    if {"web", "ingest"} & set(roles):
        app.extensions["mailkeep_map_door"] = MapDoor(app)
        doors.append(app.extensions["mailkeep_map_door"])
    app.extensions["mailkeep_doors"] = doors
    if {"web", "portal"} & set(roles):
        from app.views.fab import make_appbuilder

        make_appbuilder(app)
    else:
        Babel(app)  # sentences are looked up also where nobody chooses a language
    register_errors(app)
    addresses.init_app(app)
