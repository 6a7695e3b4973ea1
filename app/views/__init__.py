"""Doors: read the input, call one query or service, answer. Two tables say which there are: BLUEPRINTS here, MENU in fab.py."""

from flask import Flask

from app.extensions import csrf
from app.rspamd.report import Limits
from app.views import addresses
from app.views.errors import register_errors
from app.views.health import health, metrics
from app.views.ingest import IngestDoor, ingest

# Blueprint, the roles that serve it, what guards it.
BLUEPRINTS = (
    (health, {"web", "portal", "ingest", "jobs"}, "public; details only for METRICS_ALLOW"),
    (metrics, {"web", "ingest", "jobs"}, "METRICS_ALLOW"),
    (ingest, {"ingest"}, "Basic auth and address list of the node"),
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
    if "ingest" in roles:
        app.extensions["mailkeep_door"] = IngestDoor(app)
    if {"web", "portal"} & set(roles):
        from app.views.fab import make_appbuilder

        make_appbuilder(app)
    register_errors(app)
    addresses.init_app(app)
