"""Where somebody chooses a new password before anything else may be opened."""

from typing import Any

from flask import g, redirect, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _

from app.services import passwords
from app.views.own import change_password_as_typed, for_anybody_logged_in


class NewPasswordView(BaseView):
    route_base = "/new-password"
    default_view = "show"

    @expose("/", methods=["GET"])
    @for_anybody_logged_in
    def show(self) -> Any:
        is_owed = g.user.setting is not None and g.user.setting.owes_password
        shortest = passwords.SHORTEST_PASSWORD
        return self.render_template("people/new_password.html", title=_("A new password"), shortest=shortest, is_owed=is_owed)

    @expose("/", methods=["POST"])
    @for_anybody_logged_in
    def choose(self) -> Any:
        return redirect(url_for("Home.index" if change_password_as_typed() else "NewPasswordView.show"))
