"""What gunicorn and the flask command load."""

import gc

from flask import Flask


def _boot() -> Flask:
    """All that it makes stays: looked through for what is left of nothing, again and again, it would take a quarter longer."""
    gc.disable()
    from app import create_app

    made = create_app()
    gc.freeze()
    gc.enable()
    return made


app = _boot()
