"""The quarantine: stored mails per day, then a day's mails in the log."""

from typing import Any

from flask import current_app, g, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import lazy_gettext as _l

from app.clock import utcnow
from app.forms.days import read_day
from app.queries.quarantine import stored_days
from app.queries.visibility import scope_of
from app.views.mail_log import search_url
from app.views.zone import viewer_zone


class QuarantineView(BaseView):
    route_base = "/quarantine"
    default_view = "days"

    @expose("/")
    @has_access
    @permission_name("list")
    def days(self) -> Any:
        zone = viewer_zone()
        text = request.args.get("until")
        last = utcnow().astimezone(zone).date() if text is None else read_day(text)
        found = stored_days(scope_of(g.user), last, zone, seconds=current_app.config["SEARCH_SECONDS"])
        return self.render_template("quarantine/days.html", title=_l("Quarantine"), days=found, is_first=text is None)

    @expose("/<day>")
    @has_access
    @permission_name("list")
    def day(self, day: str) -> Any:
        return redirect(search_url("list", [("stored.is", "yes"), ("time.on", read_day(day).isoformat())]))
