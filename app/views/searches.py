"""Searches under a name: kept and deleted from the mail log, shared by an admin."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import NotAllowed
from app.forms.search import as_pairs, read_filters, read_terms
from app.queries.visibility import is_admin_here
from app.security.actor import actor
from app.services.searches import delete_search, save_search
from app.views.mail_log import search_url
from app.views.zone import viewer_zone


class SearchView(BaseView):
    route_base = "/searches"
    default_view = "save"

    @expose("/save", methods=["POST"])
    @has_access
    @permission_name("save")
    def save(self) -> Any:
        """Only what reads as a search is kept: no URL of elsewhere, no parameter of anything else."""
        terms = read_terms(parse_qsl(request.form.get("query", ""), keep_blank_values=True))
        read_filters(terms, viewer_zone())
        shared = bool(request.form.get("shared"))
        if shared and not is_admin_here(g.user):
            raise NotAllowed(_("Only an admin shares a search."))
        pairs = as_pairs(terms)
        kept = save_search(g.user.id, request.form.get("name", ""), urlencode(pairs), shared=shared, actor=actor())
        flash(_("The search is kept as “%(name)s”.", name=kept.name), "success")
        return redirect(search_url("list", pairs))

    @expose("/<int:search_id>/delete", methods=["POST"])
    @has_access
    @permission_name("save")
    def delete(self, search_id: int) -> Any:
        delete_search(g.user.id, search_id, actor=actor())
        flash(_("The search is deleted."), "success")
        return redirect(search_url("list", []))
