"""Addresses of our pages as people outside reach them: from PUBLIC_URL, never from what a request says of itself."""

from flask import current_app
from flask_babel import gettext as _

from app.errors import Unavailable


def public_url(path: str) -> str:
    """`path` begins with / and is as the panel itself serves it."""
    base = current_app.config["PUBLIC_URL"]
    if not base:
        raise Unavailable(_("Nobody has said where the panel is reached (PUBLIC_URL), so no link can be made."))
    return f"{base}{path}"
