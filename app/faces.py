"""The two faces of Mailkeep, the panel and the recipients' portal: which of them this process shows, and where each is reached."""

from flask import current_app
from flask_babel import gettext as _

from app.errors import Unavailable


def at_portal() -> bool:
    """Here everybody is a recipient, whatever else they are."""
    return "portal" in current_app.config["ROLES"]


def public_url(path: str) -> str:
    """A link into the panel, for mails and all else that is read elsewhere. Never from a request: its Host is anybody's word."""
    return _below(current_app.config["PUBLIC_URL"], path)


def portal_url(path: str) -> str:
    """A link for a recipient: into the portal where there is one, else into the panel."""
    return _below(current_app.config["PORTAL_URL"] or current_app.config["PUBLIC_URL"], path)


def own_url() -> str:
    """Where this process itself is reached; empty where no setting says it."""
    config = current_app.config
    url: str = (at_portal() and config["PORTAL_URL"]) or config["PUBLIC_URL"]
    return url


def _below(base: str, path: str) -> str:
    if not base:
        raise nowhere()
    return f"{base}/{path.lstrip('/')}"


def nowhere() -> Unavailable:
    return Unavailable(_("PUBLIC_URL is not set: without it nobody knows where a link has to lead."))
