"""How the ways in are called on screens."""

from flask_babel import lazy_gettext as _l

_LABELS = {"password": _l("password"), "ldap": _l("directory"), "proxy": _l("proxy")}


def way_in_words(way: str) -> str:
    return str(_LABELS.get(way, way))
