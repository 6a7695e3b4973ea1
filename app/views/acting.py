"""Acting as somebody else: begun on their page, ended from the line above every page."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.errors import MailkeepError
from app.queries.people import person_of, reach_of
from app.security import acting

_LONGEST = 500


class ActingView(BaseView):
    route_base = "/acting"
    default_view = "end"

    @expose("/begin/<int:user_id>", methods=["POST"])
    @has_access
    @permission_name("act")
    def begin(self, user_id: int) -> Any:
        user = person_of(reach_of(g.user), user_id)
        there = url_for("PeopleView.person", user_id=user.id)
        reason = " ".join(request.form.get("reason", "").split())[:_LONGEST]
        try:
            acting.begin(g.user, user, reason, there)
        except MailkeepError as error:
            flash(str(error), "danger")
            return redirect(there)
        return redirect(url_for("MailLogView.list"))

    @expose("/end", methods=["POST"])
    def end(self) -> Any:
        """For nobody but who acts; whoever does not any more is led on by the login."""
        return redirect(acting.end() or self.appbuilder.get_url_for_login)
