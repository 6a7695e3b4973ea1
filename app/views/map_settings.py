"""Maps themselves, for admins: made, changed, copied, deleted."""

from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.forms.maps import read_choice, read_score, title_of
from app.models import Colour, Editors, Map
from app.queries.map_reach import map_reach_of
from app.queries.maps import map_called
from app.rspamd.map_kinds import MapKind, MapPart, may_be
from app.security.actor import actor
from app.services.maps import Definition, change_map, definition_of, delete_map, make_map
from app.views.doing import done
from app.views.map_page import WORDS

_PAIRINGS = {kind.value: [part.value for part in MapPart if may_be(kind, part)] for kind in MapKind}
_NEW = Definition("", "", MapKind.ADDRESS_OR_DOMAIN, MapPart.MIME_FROM, Colour.DENY, score=5.0)


class MapSettingsView(BaseView):
    route_base = "/map-settings"
    class_permission_name = "MapView"
    default_view = "new"

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("define")
    def new(self) -> Any:
        typed = _NEW
        if request.method == "POST":
            made, typed = self._made(None)
            if made is not None:
                return redirect(url_for("MapView.entries", name=made.name))
        return self._form(None, typed, _("New map"), url_for("MapSettingsView.new"))

    @expose("/<name>/copy", methods=["GET", "POST"])
    @has_access
    @permission_name("define")
    def copy(self, name: str) -> Any:
        found = map_called(map_reach_of(g.user), name)
        there = definition_of(found)
        symbol = f"{there.symbol}_COPY" if there.symbol else ""
        typed = replace(
            there, name=f"{found.name}_copy"[:64], title=_("Copy of %(title)s", title=title_of(found))[:200], symbol=symbol[:64]
        )
        if request.method == "POST":
            made, typed = self._made(found)
            if made is not None:
                return redirect(url_for("MapView.entries", name=made.name))
        return self._form(
            None, typed, _("Copy of %(title)s", title=title_of(found)), url_for("MapSettingsView.copy", name=name), copy_of=name
        )

    @expose("/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("define")
    def settings(self, name: str) -> Any:
        """Conflict where somebody else has saved since the form was opened: what was typed stays."""
        found = map_called(map_reach_of(g.user), name)
        title, before, version = title_of(found), definition_of(found), found.version
        typed = before
        if request.method == "POST":
            version = request.form.get("version", type=int, default=0)
            try:
                typed = _typed(found)
                change_map(found, version, typed, actor=actor())
            except MailkeepError as error:
                flash(str(error), "danger")
            else:
                flash(_("The map is changed."), "success")
                if typed.checked(ready_made=bool(found.ready_made)).in_files != before.in_files:
                    flash(_("Rspamd takes this over once its files are made again: “Rspamd” in the menu does that."), "warning")
                return redirect(url_for("MapView.entries", name=typed.name.strip().lower()))
        return self._form(found, typed, title, url_for("MapSettingsView.settings", name=name), version)

    @expose("/<name>/delete", methods=["POST"])
    @has_access
    @permission_name("define")
    def delete(self, name: str) -> Any:
        found = map_called(map_reach_of(g.user), name)
        version = request.form.get("version", type=int, default=0)
        deleted = done(lambda: delete_map(found, version, actor=actor()), _("The map %(name)s is deleted.", name=name))
        return redirect(url_for("MapView.list") if deleted else url_for("MapSettingsView.settings", name=name))

    def _made(self, copy_of: Map | None) -> tuple[Map | None, Definition]:
        typed = _NEW
        try:
            typed = _typed(copy_of)
            made = make_map(typed, copy_of=copy_of, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return None, typed
        flash(_("The map %(name)s is made.", name=made.name), "success")
        return made, typed

    def _form(self, found: Map | None, typed: Definition, title: str, action: str, version: int = 0, copy_of: str = "") -> Any:
        return self.render_template(
            "maps/settings.html",
            title=title,
            map=found,
            typed=typed,
            action=action,
            version=version,
            copy_of=copy_of,
            tab="settings",
            pairings=_PAIRINGS,
            may_edit=True,
            may_define=True,
            **WORDS,
        )


def _typed(found: Map | None) -> Definition:
    """What is fixed of a map comes from it."""
    form = request.form
    kind = read_choice(MapKind, form.get("kind", found.kind if found is not None else ""))
    part = read_choice(MapPart, form.get("part", found.part if found is not None else ""))
    # What the form hides is not meant, though a browser sends it.
    header = form.get("header", found.header if found is not None else "") if part is MapPart.HEADER else ""
    symbol = form.get("symbol", found.symbol if found is not None else "") if part is not MapPart.NONE else ""
    return Definition(
        name=form.get("name", found.name if found is not None else "")[:100],
        title=form.get("title", "")[:300],
        kind=kind,
        part=part,
        colour=read_choice(Colour, form.get("colour", found.colour if found is not None else "")),
        header=header[:100],
        symbol=symbol[:100],
        score=read_score(form.get("score", "") or "0"),
        needs_proof="needs_proof" in form,
        editors=read_choice(Editors, form.get("editors", "")),
        description=form.get("description", "")[:10_000],
        enabled="enabled" in form,
    )
