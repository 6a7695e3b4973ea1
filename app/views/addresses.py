"""Addresses as they leave the panel: absolute ones from the settings, redirects as paths, and none with a Host somebody made up."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, Response, current_app, has_request_context, redirect, url_for

from app.faces import nowhere, own_url
from app.views.back import is_ours, local_address
from environment import ConfigError


def outside_url(endpoint: str, **values: Any) -> str:
    """From PUBLIC_URL (at the portal: PORTAL_URL), else as the request was made; Unavailable where there is neither."""
    if base := own_url():
        return base + current_app.url_map.bind("").build(endpoint, values)
    if has_request_context():
        return url_for(endpoint, _external=True, **values)
    raise nowhere()


def init_app(app: Flask) -> None:
    """After all routes are there."""
    app.after_request(_lead_by_paths)
    with app.app_context():
        path = urlsplit(own_url()).path
    if path and any(rule.rule.startswith(f"{path}/") for rule in app.url_map.iter_rules()):
        raise ConfigError("PUBLIC_URL", f"its path {path} is one of Mailkeep's own; choose another, such as /mailkeep")


def _lead_by_paths(response: Response) -> Response:
    """Werkzeug writes the Host of the request into the redirect to a missing slash, FAB into what comes after the login."""
    location = response.headers.get("Location", "")
    told = _as_path(location)
    if told != location:
        response.headers["Location"] = told
        response.set_data(redirect(told).get_data())  # the page that goes with it names it, too
    return response


def _as_path(location: str) -> str:
    parts = urlsplit(location)
    if not parts.path.startswith("/") or not is_ours(parts):
        return location
    pairs, query = parse_qsl(parts.query, keep_blank_values=True), parts.query
    if "next" in dict(pairs):
        query = urlencode([(name, (local_address(text) or text) if name == "next" else text) for name, text in pairs], safe="/?")
    return "/" + parts.path.lstrip("/") + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")
