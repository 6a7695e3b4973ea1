"""What is to be known of maps: contradictions, what the nodes have fetched, and which mails an entry would have hit."""

from itertools import islice
from typing import Any

from flask import current_app, g, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import NotAllowed
from app.forms.map_values import caution_of, sentence_of
from app.forms.map_words import CLASH_SIGNS, UNTOLD
from app.models import Map
from app.queries.map_conflicts import report
from app.queries.map_fetches import node_fetches, unfetched
from app.queries.map_reach import map_reach_of
from app.queries.map_tries import try_values
from app.queries.visibility import scope_of, sees_all
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_lines import read_lines
from app.rspamd.map_values import Value, WrongValue, read_value
from app.services.map_uploads import pieces_of, upload_of
from app.views.map_page import WORDS, asked_map, may, page_values

_ROWS = 100
_DAYS = 7
_LONGEST = 2000
_MOST = 1000
"""So many of the lines that wait are tried."""


class MapReportView(BaseView):
    route_base = "/lists"
    default_view = "conflicts"
    class_permission_name = "MapView"

    @expose("/conflicts")
    @has_access
    @permission_name("list")
    def conflicts(self) -> Any:
        return self._conflicts(None)

    @expose("/<name>/conflicts")
    @has_access
    @permission_name("list")
    def conflicts_of(self, name: str) -> Any:
        return self._conflicts(name)

    def _conflicts(self, name: str | None) -> Any:
        reach, found = asked_map(name) if name is not None else (map_reach_of(g.user), None)
        after = request.args.get("after", "")[:700].replace("\0", "")
        told = report(reach, after, found, _ROWS, current_app.config["SEARCH_SECONDS"])
        values = page_values(self, reach, found, "conflicts") if found is not None else {"map": None, **WORDS}
        return self.render_template("maps/conflicts.html", title=_("Conflicts"), told=told, signs=CLASH_SIGNS, **values)

    @expose("/fetched")
    @has_access
    @permission_name("list")
    def fetched(self) -> Any:
        """Nodes and their addresses are the site's business."""
        if not sees_all(g.user):
            raise NotAllowed(_("Only who may see all mail may see what the nodes have."))
        return self.render_template(
            "maps/fetched.html", title=_("What Rspamd has"), rows=node_fetches(), missing=unfetched(), may_define=may(self, "define")
        )

    @expose("/<name>/try")
    @has_access
    @permission_name("list")
    def try_out(self, name: str) -> Any:
        """One value that is typed, what waits to be imported, or all entries of the map; always among the mails that who asks may see."""
        reach, found = asked_map(name)
        text, wrong = _typed(MapKind(found.kind)), ""
        value: Value | None = None
        values: list[str] | None = None
        if text:
            try:
                value = read_value(MapKind(found.kind), text, data=request.args.get("data", "")[:_LONGEST])
            except WrongValue as error:
                wrong = sentence_of(error)
        tried, token = None, request.args.get("upload", "")
        if (value is not None or token or "all" in request.args) and not wrong:
            values = [value.text] if value is not None else _waiting(found, token) if token else None
            countries = current_app.extensions["mailkeep_countries"]
            tried = try_values(scope_of(g.user), found, values, days=_DAYS, country_of=countries.country_of, seen=reach.condition(found))
        template = "maps/_tried.html" if "X-Fragment" in request.headers else "maps/try.html"
        return self.render_template(
            template,
            title=_("Try"),
            text=text,
            value=value,
            wrong=wrong,
            cautions=[caution_of(each) for each in value.warnings] if value is not None else (),
            tried=tried,
            days=_DAYS,
            untold=UNTOLD,
            token=token,
            is_cut=token and len(values or ()) >= _MOST,
            **page_values(self, reach, found, "try"),
        ), 400 if wrong else 200


def _typed(kind: MapKind) -> str:
    """A value; of a pair also its two sides."""
    text = request.args.get("value", "").strip()
    sides = [request.args.get(name, "").strip() for name in ("sender", "rcpt")]
    if kind is MapKind.PAIR and not text and any(sides):
        text = "|".join(sides)
    return text[:_LONGEST]


def _waiting(found: Map, token: str) -> list[str]:
    """The values of an upload, as far as they are right and enabled."""
    upload = upload_of(found, g.user.id, token)
    lines = read_lines(MapKind(found.kind), upload.form, pieces_of(upload))
    return list(islice((line.value.text for line in lines if line.value is not None and line.enabled), _MOST))
