"""A map as a file that can be imported again: as text, CSV or JSON, streamed."""

from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import BadRequest
from app.forms.maps import read_wish
from app.models import Map, Verb
from app.queries.map_export import exported_page
from app.queries.map_reach import MapReach
from app.queries.maps import Wish
from app.rspamd.map_export import write_lines
from app.rspamd.map_kinds import MapKind
from app.security.actor import actor
from app.services.audit import recorded
from app.views.export import Place
from app.views.map_page import asked_map

_AT_ONCE = 2000
_FORMS = {"text": ("txt", "text/plain"), "csv": ("csv", "text/csv"), "json": ("json", "application/json")}


class MapExportView(BaseView):
    route_base = "/lists"
    default_view = "export"
    class_permission_name = "MapView"

    @expose("/<name>/export")
    @has_access
    @permission_name("list")
    def export(self, name: str) -> Response:
        """What the viewer sees of the map, with the search of its page."""
        reach, found = asked_map(name)
        form = request.args.get("form", "text")
        if form not in _FORMS:
            raise BadRequest(_("Entries come as text, CSV or JSON."))
        wish = read_wish(request.args)
        place = Place()
        try:
            told = {"form": form, "revision": found.revision} | ({"search": str(wish.text)} if wish.text else {})
            recorded(actor(), Verb.MAP_EXPORTED, "map", found.name, after=told)
            response = _streamed(place, reach, found, wish, form)
        except BaseException:
            place.leave()
            raise
        response.call_on_close(place.leave)
        return response


def _streamed(place: Place, reach: MapReach, found: Map, wish: Wish, form: str) -> Response:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    ending, mimetype = _FORMS[form]
    lines = write_lines(MapKind(found.kind), form, _rows(app, reach, found, wish))
    response = Response(place.kept_while(lines), mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename={found.name}-r{found.revision}.{ending}"
    return response


def _rows(app: Flask, reach: MapReach, found: Map, wish: Wish) -> Iterator[Any]:
    """No context is held while the client reads."""
    after, number = "", found.revision
    while True:
        with app.app_context():
            rows = exported_page(reach, found, number, wish, after, _AT_ONCE)
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].value
