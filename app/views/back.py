"""The way back, told by the page itself: FAB writes every address somebody opens into the session, and mixes the tabs up."""

from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import request, url_for
from flask_appbuilder.baseviews import BaseView

from app.faces import own_url

FIELD = "mk_back"


def back_url() -> str:
    """For a link or a form on the page that is being made: where the visitor was before."""
    asked = request.form.get(FIELD) or request.args.get(FIELD)
    found = local_address(asked or request.referrer)
    return found if found and unquote(urlsplit(found).path) != request.script_root + request.path else url_for("Home.index")


def address_before() -> str:
    """Where a form leads once it is done: what it says itself, else the page on which the button was."""
    asked = request.form.get(FIELD) or request.args.get(FIELD)
    return local_address(asked or request.referrer) or url_for("Home.index")


def local_address(address: str | None) -> str:
    """Path and query of one of our own pages; empty for what leads elsewhere."""
    if not address or "\\" in address or not address.isprintable():
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if not is_ours(parts) or not parts.path.startswith(f"{request.script_root}/") or parts.path.startswith("//"):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def is_ours(parts: SplitResult) -> bool:
    """An address of this host: as the request names it, or as the settings do, where a proxy asks us under another name."""
    if not (parts.scheme or parts.netloc):
        return True
    known = {request.host.lower(), *filter(None, [urlsplit(own_url()).netloc])}  # the first is empty where it is no host at all
    return parts.scheme in ("http", "https") and parts.netloc.lower() in known


def _get_redirect(_view: Any) -> str:
    return address_before()


def _remember_nothing(_view: Any) -> None:
    """A page that is looked at writes nothing."""


def replace_history() -> None:
    """In FAB's own screens too, most of which are none of ours."""
    BaseView.get_redirect = _get_redirect  # type: ignore[method-assign]
    BaseView.update_redirect = _remember_nothing  # type: ignore[method-assign]
