"""Verbs: one unit of work each; they own their commit and know no request."""

from flask import Flask, current_app

from app.services import letters
from app.services.assembly import Assembly
from app.services.background import Background
from app.services.syslog import Syslog


def init_app(app: Flask) -> None:
    letters.prepare(app)
    app.extensions["mailkeep_background"] = Background(app)
    book = app.extensions["mailkeep_nodes"]
    if app.config["AUDIT_SYSLOG"]:
        app.extensions["mailkeep_syslog"] = Syslog(app.config["AUDIT_SYSLOG"])
    app.extensions["mailkeep_intake"] = Assembly(app, lambda: book.number_of(app.config["NODE_NAME"]), book.refresh)


def assembly() -> Assembly:
    found: Assembly = current_app.extensions["mailkeep_intake"]
    return found
