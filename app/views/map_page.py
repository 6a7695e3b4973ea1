"""What the pages of one map share: the map that is asked for, and what somebody looks for in it."""

from typing import Any

from flask import g, request
from flask_appbuilder import BaseView
from flask_babel import gettext as _

from app.errors import BadRequest
from app.forms.map_values import KIND_EXAMPLES, KIND_TITLES, PART_TITLES
from app.forms.maps import CLASHES, COLOURS, EDITORS, STATES
from app.models import Map
from app.queries.map_reach import MapReach, map_reach_of
from app.queries.maps import map_called
from app.rspamd.map_kinds import VALUE_LENGTH

WORDS = {
    "kinds": KIND_TITLES,
    "parts": PART_TITLES,
    "colours": COLOURS,
    "editors": EDITORS,
    "states": STATES,
    "clashes": CLASHES,
    "examples": KIND_EXAMPLES,
}
"""For the templates."""


def may(view: BaseView, permission: str) -> bool:
    return bool(view.appbuilder.sm.has_access(f"can_{permission}", "MapView"))


def asked_map(name: str) -> tuple[MapReach, Map]:
    reach = map_reach_of(g.user)
    return reach, map_called(reach, name)


def page_values(view: BaseView, reach: MapReach, found: Map, tab: str) -> dict[str, Any]:
    """What the tabs of a map, and all that stands below them, are made of."""
    edits = may(view, "edit") and reach.edits(found)
    rights = {"may_edit": edits, "edits_whole": edits and reach.edits_whole(found), "may_define": may(view, "define")}
    return {"map": found, "tab": tab} | rights | WORDS


def asked_count(name: str, default: int, most: int, values: Any = None) -> int:
    """A number of the request's query, or of other values."""
    text = (request.args if values is None else values).get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > most:
        raise BadRequest(_("%(name)s is no number that fits here.", name=name))
    return int(text)


def asked_after() -> str:
    """The value after which a page begins."""
    return request.args.get("after", "")[:VALUE_LENGTH].replace("\0", "")
