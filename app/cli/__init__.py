"""The flask commands: thin doors over services."""

from flask import Flask


def register(app: Flask) -> None:
    """Each module of this folder holds one group of commands."""
