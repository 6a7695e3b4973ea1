"""How the ways in are called on screens."""

from flask_babel import lazy_gettext as _l

from app.security.ways import oidc

_LABELS = {"password": _l("password"), "ldap": _l("directory"), "proxy": _l("proxy")}


def way_in_words(way: str) -> str:
    """A provider by its label, as long as there is one of that name."""
    labels = {provider.way: provider.label for provider in oidc.providers()} | _LABELS
    return str(labels.get(way, way.removeprefix("oidc:")))
