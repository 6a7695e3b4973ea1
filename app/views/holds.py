"""Legal holds: admins begin and lift them, auditors look."""

from typing import Any
from urllib.parse import parse_qsl

from flask import g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import BadRequest, NotFound
from app.forms.search import read_filters, read_terms
from app.models import Held, Mail
from app.queries.fields import Filter
from app.queries.holds import held_among, lifted_holds, standing_holds
from app.queries.searches import searches_of
from app.security.actor import actor
from app.services.holds import add_hold, lift_hold
from app.views.doing import done
from app.views.zone import viewer_zone

KINDS = {Held.MAIL: _l("Mail"), Held.ADDRESS: _l("Mails to the address"), Held.DOMAIN: _l("Mails to the domain"), Held.SEARCH: _l("Search")}
_MOST_LIFTED = 50


class HoldView(BaseView):
    route_base = "/holds"
    default_view = "list"

    @expose("/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        may_edit = self.appbuilder.sm.has_access("can_edit", self.class_permission_name)
        searches = [found for found in searches_of(g.user.id) if found.query] if may_edit else ()
        rows = {"holds": standing_holds(), "lifted": lifted_holds(_MOST_LIFTED)}
        value = request.args.get("mail", "")[:20]
        return self.render_template(
            "holds/list.html", title=_("Legal holds"), kinds=KINDS, may_edit=may_edit, searches=searches, value=value, **rows
        )

    @expose("/add", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> Any:
        done(lambda: _add(request.form.get("kind", ""), request.form.get("value", "")), _("The hold stands."))
        return redirect(url_for("HoldView.list"))

    @expose("/<int:hold_id>/lift", methods=["POST"])
    @has_access
    @permission_name("edit")
    def lift(self, hold_id: int) -> Any:
        done(lambda: lift_hold(hold_id, actor=actor()), _("The hold is lifted."))
        return redirect(url_for("HoldView.list"))


def _add(name: str, value: str) -> None:
    try:
        kind = Held(name)
    except ValueError:
        raise BadRequest(_("Say what is to be held: a mail, an address, a domain or a search.")) from None
    filters: tuple[Filter, ...] = ()
    if kind is Held.SEARCH:
        found = next((found for found in searches_of(g.user.id) if str(found.id) == request.form.get("search")), None)
        if found is None:
            raise NotFound(_("There is no such search."))
        filters, value = read_filters(read_terms(parse_qsl(found.query, keep_blank_values=True)), viewer_zone()), found.query
    add_hold(kind, value, request.form.get("reason", ""), filters=filters, actor=actor())


def holds_of(mail: Mail, sm: Any) -> Any:
    """For the page of a mail; only who may see the holds learns of them there."""
    return held_among([mail.id]).get(mail.id, ()) if sm.has_access("can_list", "HoldView") else ()
