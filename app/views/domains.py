"""Domain aliases, for admins."""

from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.queries.domains import all_aliases
from app.security.actor import actor
from app.services import domains
from app.views.doing import done


class DomainView(BaseView):
    route_base = "/domains"
    default_view = "list"

    @expose("/", methods=["GET"])
    @has_access
    @permission_name("edit")
    def list(self) -> Any:
        return self.render_template("domains/list.html", title=_("Domain aliases"), rows=all_aliases())

    @expose("/add", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> Any:
        alias, domain = request.form.get("alias", ""), request.form.get("domain", "")
        done(lambda: domains.add_alias(alias, domain, actor=actor()), _("The alias is added."))
        return redirect(url_for("DomainView.list"))

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> Any:
        alias = request.form.get("alias", "")
        done(lambda: domains.remove_alias(alias, actor=actor()), _("The alias is removed."))
        return redirect(url_for("DomainView.list"))
