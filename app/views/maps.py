"""Maps and their entries: looked at, searched, changed, many at once; and everybody's own list."""

from functools import partial
from typing import Any

from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.clock import stored_now
from app.errors import BadRequest, MailkeepError
from app.forms.map_values import KIND_EXAMPLES, caution_of, sentence_of
from app.forms.maps import (
    ACTS,
    entry_fields,
    fields_of,
    read_entry,
    read_expiry,
    read_wish,
    sender_label,
    title_of,
    wish_fields,
)
from app.models import Map, RevisionVerb
from app.queries.map_conflicts import conflicts_of
from app.queries.map_fetches import unfetched
from app.queries.map_reach import MapReach, Power, map_reach_of
from app.queries.maps import Wish, all_maps, count_of, counts_of, entries_of, entry_of, found_everywhere, map_called, own_pairs
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_regexp import Match, matches
from app.rspamd.map_values import WrongValue, read_value
from app.security.actor import actor
from app.services.map_change import Wanted
from app.services.map_entries import add_entry, change_entry, switch, switch_all
from app.views.doing import done
from app.views.map_page import WORDS, asked_after, asked_map, may, page_values
from app.views.zone import viewer_zone

_PAGE = 100
_MATCHES = {
    Match.YES: ("good", _l("It matches.")),
    Match.NO: ("", _l("It does not match.")),
    Match.TOO_SLOW: ("warn", _l("It took too long to find out.")),
}


class MapView(BaseView):
    route_base = "/lists"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """All that there are; for who has none but their own, those at once."""
        reach = map_reach_of(g.user)
        if not reach.sees_all:
            return redirect(url_for("MapView.own"))
        maps = all_maps(reach)
        counts = counts_of(maps, current_app.config["COUNT_CAP"])
        return self.render_template("maps/list.html", title=_("Maps"), maps=maps, counts=counts, may_define=may(self, "define"), **WORDS)

    @expose("/own")
    @has_access
    @permission_name("list")
    def own(self) -> Any:
        """What somebody's own addresses and domains allow and block."""
        reach = map_reach_of(g.user)
        maps = all_maps(reach)
        rows, is_cut = own_pairs(reach)
        return self.render_template(
            "maps/own.html",
            title=_("Allow and block"),
            rows=rows,
            is_cut=is_cut,
            powers={entry.id: reach.power(found, entry) for found, entry in rows},
            # The sender that is seen first: the one of the envelope few people know of.
            personal=sorted((found for found in maps if found.is_personal), key=lambda found: found.part != "mime_from"),
            others=[found for found in maps if not found.is_personal],
            addresses=reach.own.addresses,
            domains=reach.own.domains,
            now=stored_now(),
            Power=Power,
            may_edit=may(self, "edit"),
            **WORDS,
        )

    @expose("/find")
    @has_access
    @permission_name("list")
    def find(self) -> Any:
        text = request.args.get("q", "").strip()[:200].replace("\0", "")
        reach = map_reach_of(g.user)
        rows, slow = found_everywhere(reach, text) if text else ([], False)
        return self.render_template(
            "maps/find.html", title=_("Search in all maps"), q=text, rows=rows, slow=slow, now=stored_now(), **WORDS
        )

    @expose("/<name>")
    @has_access
    @permission_name("list")
    def entries(self, name: str) -> Any:
        reach, found = asked_map(name)
        wish, error = Wish(), ""
        try:
            wish = read_wish(request.args)
        except BadRequest as wrong:
            error = str(wrong)
        after = asked_after()
        page = entries_of(reach, found, wish, after=after, size=_PAGE)
        cap = current_app.config["COUNT_CAP"]
        return self.render_template(
            "maps/entries.html",
            title=title_of(found),
            page=page,
            count=count_of(reach, found, wish, cap),
            wish=wish_fields(wish),
            error=error,
            after=after,
            conflicts=conflicts_of(reach, all_maps(reach), found, page.rows),
            powers={entry.id: reach.power(found, entry) for entry in page.rows},
            Power=Power,
            now=stored_now(),
            sender=sender_label(found),
            is_unfetched=may(self, "define") and not current_app.config["MAPS_FILES_DIR"] and bool(unfetched(found.id)),
            **page_values(self, reach, found, "entries"),
        )

    @expose("/<name>/new", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def new(self, name: str) -> Any:
        reach, found = asked_map(name)
        fields = entry_fields(request.values) | ({"enabled": "1"} if request.method == "GET" else {})
        add = partial(add_entry, reach, found, actor=actor())
        if request.method == "POST" and self._saved(add, found, fields, _("The entry is added.")):
            return redirect(_back(found))
        return self._form(reach, found, None, fields)

    @expose("/<name>/entries/<int:entry_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, name: str, entry_id: int) -> Any:
        """Conflict where somebody else has changed it since the form was opened: what was typed stays."""
        reach, found = asked_map(name)
        entry = entry_of(reach, found, entry_id)
        if request.method == "POST" and "matches" not in request.form:
            fields = entry_fields(request.form)
            if self._saved(
                lambda wanted: change_entry(reach, found, entry_id, wanted, actor=actor()), found, fields, _("The entry is changed.")
            ):
                return redirect(_back(found))
            return self._form(reach, found, entry_id, fields)
        if entry is None or reach.power(found, entry) < Power.EDIT:
            abort(404)
        return self._form(reach, found, entry_id, fields_of(entry, viewer_zone()))

    @expose("/<name>/matches", methods=["POST"])
    @has_access
    @permission_name("edit")
    def matches(self, name: str) -> Any:
        """Whether a regular expression matches a sample: of neither anything is kept."""
        if map_called(map_reach_of(g.user), name).kind != MapKind.REGEXP:
            abort(400)
        try:
            pattern = read_value(MapKind.REGEXP, request.form.get("value", "")[:1000]).text
        except WrongValue as wrong:
            return {"tone": "bad", "said": sentence_of(wrong)}
        tone, said = _MATCHES[matches(pattern, request.form.get("sample", "")[:10_000])]
        return {"tone": tone, "said": str(said)}

    @expose("/<name>/act", methods=["POST"])
    @has_access
    @permission_name("edit")
    def act(self, name: str) -> Any:
        """On the entries that are ticked, or on all that the search finds."""
        reach, found = asked_map(name)
        word = request.form.get("action", "")
        if word not in ACTS:
            abort(400)
        changed = 0

        def do() -> None:
            nonlocal changed
            until = read_expiry(request.form.get("until", ""), viewer_zone()) if word == "expire" else None
            if "all" in request.form:
                conditions = read_wish(request.form).conditions(stored_now())
                changed = switch_all(reach, found, conditions, ACTS[word], actor=actor(), until=until)
            else:
                ids = [int(text) for text in request.form.getlist("rowid")[:_PAGE] if text.isascii() and text.isdigit() and len(text) < 19]
                changed = switch(reach, found, ids, ACTS[word], actor=actor(), until=until)

        try:
            do()
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            flash(_told(ACTS[word], changed), "success")
        return redirect(_back(found))

    def _saved(self, save: Any, found: Map, fields: dict[str, str], said: str) -> bool:
        cautions: list[str] = []

        def do() -> None:
            typed = read_entry(MapKind(found.kind), fields, viewer_zone())
            save(wanted=Wanted(*typed))
            cautions.extend(caution_of(caution) for caution in typed.value.warnings)

        saved = done(do, said)
        for caution in cautions if saved else ():
            flash(caution, "warning")
        return saved

    def _form(self, reach: MapReach, found: Map, entry_id: int | None, fields: dict[str, str]) -> Any:
        return self.render_template(
            "maps/entry.html",
            title=_("Change an entry") if entry_id else _("New entry"),
            entry_id=entry_id,
            fields=fields,
            addresses=() if reach.edits_whole(found) else reach.own.addresses,
            domains=reach.own.domains,
            may_weigh=reach.edits_all,
            sender=sender_label(found),
            example=KIND_EXAMPLES[MapKind(found.kind)],
            back=_back(found),
            **page_values(self, reach, found, "entries"),
        )


def _back(found: Map) -> str:
    """To where an entry was chosen; never to a place that a visitor named."""
    if request.values.get("back") == "own":
        return url_for("MapView.own")
    wish: Any = {name: request.form[name] for name in ("q", "state", "by") if request.form.get(name)}
    return url_for("MapView.entries", name=found.name, **wish)


def _told(verb: RevisionVerb, count: int) -> str:
    match verb:
        case RevisionVerb.REMOVED:
            return str(ngettext("%(num)s entry is removed.", "%(num)s entries are removed.", count))
        case RevisionVerb.ENABLED:
            return str(ngettext("%(num)s entry is enabled.", "%(num)s entries are enabled.", count))
        case RevisionVerb.DISABLED:
            return str(ngettext("%(num)s entry is disabled.", "%(num)s entries are disabled.", count))
    return str(ngettext("%(num)s entry has another end.", "%(num)s entries have another end.", count))
