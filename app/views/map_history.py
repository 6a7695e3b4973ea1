"""Maps as they were: who changed what, the entries at a revision, what differs between two, and the way back."""

import json
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.forms.map_words import COLUMNS, MODES, VERDICTS
from app.forms.maps import REVISIONS
from app.models import Map, MapRevision, RevisionVerb
from app.queries.map_history import differences, entries_at, must_have_been, revision_of, revisions_of
from app.queries.map_reach import MapReach
from app.security.actor import actor
from app.services.map_history import roll_back
from app.views.map_page import asked_after, asked_count, asked_map, may, page_values

_DIFFERENCES = 200


class MapHistoryView(BaseView):
    route_base = "/lists"
    default_view = "revisions"
    class_permission_name = "MapView"

    @expose("/<name>/history")
    @has_access
    @permission_name("list")
    def revisions(self, name: str) -> Any:
        reach, found = asked_map(name)
        rows, older = revisions_of(reach, found, asked_count("before", 0, found.revision + 1) or None)
        return self._page("revisions", found, reach, rows=[_told(row) for row in rows], older=older)

    @expose("/<name>/history/<int:number>")
    @has_access
    @permission_name("list")
    def revision(self, name: str, number: int) -> Any:
        reach, found = asked_map(name)
        row = _told(revision_of(reach, found, number))
        rows, after = differences(reach, found, number - 1, number, asked_after(), _DIFFERENCES)
        return self._page("revision", found, reach, revision=row, rows=rows, after=after)

    @expose("/<name>/history/<int:number>/entries")
    @has_access
    @permission_name("list")
    def entries(self, name: str, number: int) -> Any:
        reach, found = asked_map(name)
        must_have_been(found, number)
        rows, after = entries_at(reach, found, number, asked_after(), current_app.config["PAGE_SIZE"])
        return self._page("entries_at", found, reach, number=number, rows=rows, after=after)

    @expose("/<name>/compare")
    @has_access
    @permission_name("list")
    def compare(self, name: str) -> Any:
        reach, found = asked_map(name)
        old = asked_count("from", max(0, found.revision - 1), found.revision)
        new = asked_count("to", found.revision, found.revision)
        rows, after = differences(reach, found, old, new, asked_after(), _DIFFERENCES)
        return self._page("compare", found, reach, old=old, new=new, rows=rows, after=after)

    @expose("/<name>/back", methods=["POST"])
    @has_access
    @permission_name("define")
    def back(self, name: str) -> Any:
        """Nothing is done where somebody has changed the map since the page was made."""
        reach, found = asked_map(name)
        try:
            to = asked_count("to", -1, found.revision, request.form)
            roll_back(reach, found, to, asked_count("seen", -1, 999_999_999, request.form), actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return redirect(url_for("MapHistoryView.revisions", name=name))
        flash(_("The map has the entries of revision %(number)s again.", number=to), "success")
        return redirect(url_for("MapHistoryView.revisions", name=name))

    def _page(self, template: str, found: Map, reach: MapReach, **values: Any) -> Any:
        return self.render_template(
            f"maps/{template}.html",
            title=_("History"),
            may_go_back=reach.edits_whole(found) and may(self, "define"),
            sees_counts=reach.sees_whole(found),
            columns=COLUMNS,
            verdicts=VERDICTS,
            modes=MODES,
            **page_values(self, reach, found, "history"),
            **values,
        )


def _told(row: MapRevision) -> dict[str, Any]:
    """A revision, and its note taken apart."""
    try:
        note = json.loads(row.note) if row.note else {}
    except ValueError:
        note = {}
    what = str(REVISIONS.get(RevisionVerb(row.verb), row.verb))
    if "to" in note:
        what = _("went back to revision %(number)s", number=note["to"])
    return {"row": row, "what": what, "note": note}
