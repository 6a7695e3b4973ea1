"""Where somebody chooses a new password before anything else may be opened."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _

from app.security import own_password
from app.security.actor import actor
from app.services import passwords
from app.views.doing import done
from app.views.own import for_anybody_logged_in


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
        old, new, again = (request.form.get(field, "") for field in ("old", "new", "again"))
        if new != again:
            flash(_("The two new passwords are not the same."), "danger")
        elif done(lambda: own_password.change(g.user, old, new, actor=actor()), _("Your password is changed.")):
            return redirect(url_for("Home.index"))
        return redirect(url_for("NewPasswordView.show"))
