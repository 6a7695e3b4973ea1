"""Verbs: one unit of work each; they own their commit and know no request."""

from flask import Flask, current_app

from app.services.assembly import Assembly


def init_app(app: Flask) -> None:
    book = app.extensions["mailkeep_nodes"]
    app.extensions["mailkeep_intake"] = Assembly(app, lambda: book.number_of(app.config["NODE_NAME"]), book.refresh)


def assembly() -> Assembly:
    found: Assembly = current_app.extensions["mailkeep_intake"]
    return found
