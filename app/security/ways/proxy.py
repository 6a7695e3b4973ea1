"""A proxy that has asked already: its header names who comes, and counts from its address only."""

from flask import Flask, current_app, request, session
from flask_appbuilder.security.sqla.models import User
from flask_login import logout_user

from app.networks import is_in
from app.security.proxy import PEER
from app.security.ways import directory
from app.services import logins
from app.services.logins import Identity, clean_addresses
from environment import ConfigError

WAY = "proxy"
_NAME = "named_by_proxy"


def prepare(app: Flask) -> None:
    if not app.config["REMOTE_USER_HEADER"]:
        return
    if not app.config["REMOTE_USER_FROM"]:
        raise ConfigError("REMOTE_USER_FROM", "is needed with REMOTE_USER_HEADER: whose header is believed?")
    app.before_request(_end_what_the_proxy_no_longer_says)


def named_by_proxy() -> tuple[User, str] | None:
    """Who the header names, and the way; the session lasts for as long as it does."""
    name = _name_in_header()
    user = logins.account_of(directory.look_up(name) or _identity(name)) if name else None
    if user is None or not user.is_active:
        return None
    session[_NAME] = name
    return user, WAY


def _identity(name: str) -> Identity:
    address = clean_addresses([name], name)[0] if "@" in name and clean_addresses([name], name) else ""
    return Identity(way=WAY, subject=name.casefold(), username=name, address=address, owns_names=True)


def _name_in_header() -> str:
    header = current_app.config["REMOTE_USER_HEADER"]
    if not header or not is_in(request.environ.get(PEER, ""), current_app.config["REMOTE_USER_FROM"]):
        return ""
    values = request.headers.getlist(header)
    # WSGI sends names as Latin-1 that came as UTF-8.
    text = values[0].encode("latin-1", "replace").decode("utf-8", "replace") if len(values) == 1 else ""
    return text.strip() if text.strip().isprintable() and len(text) <= 128 else ""


def _end_what_the_proxy_no_longer_says() -> None:
    if _NAME in session and session[_NAME] != _name_in_header():
        logout_user()
        session.clear()
