"""Jobs: what Mailkeep does by itself, and when."""

from flask import Flask

from app.jobs.map_files import MapFilesTimer


def init_app(app: Flask) -> None:
    """Nothing runs before start(): commands and tests have no jobs."""
    app.extensions["mailkeep_jobs"] = MapFilesTimer(app)
