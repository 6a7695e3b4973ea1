"""Verbs: one unit of work each; they own their commit and know no request."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Nothing yet."""
