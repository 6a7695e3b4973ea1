"""Mailkeep: create_app() is the boot, in order."""

from typing import Any

from flask import Flask

from app import cli, jobs, log, models, security, services, views  # noqa: F401 - models: all tables, before the first mapper is used
from app.application import Application
from app.extensions import csrf, db, engine_options, migrate
from environment import refuse_weak_secret


def create_app(**overrides: Any) -> Flask:
    """Settings come from config.py; `overrides` are for tests and tools. Needs no database to start."""
    app: Flask = Application(__name__)
    app.config.from_object("config")
    app.config.update(overrides)
    log.setup(app.config["LOG_LEVEL"])
    refuse_weak_secret(app.config["SECRET_KEY"])
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", engine_options(app.config["SQLALCHEMY_DATABASE_URI"], app.config["PLUS_ADDRESSING"]))

    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)

    security.init_app(app)
    services.init_app(app)
    jobs.init_app(app)
    with app.app_context():
        views.register(app)
    cli.register(app)
    return app
