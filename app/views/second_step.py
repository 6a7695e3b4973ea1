"""The second step of a login: the password was right, a code is wanted."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import no_cache
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.security import limits
from app.security.second_step import show_code, who_is_asked
from app.views.back import local_address
from app.views.errors import STATUS


class SecondStepView(BaseView):
    route_base = "/login/code"
    default_view = "step"
    limits = [limits.ON_TRIES]

    @expose("/", methods=["GET", "POST"])
    @no_cache
    def step(self) -> Any:
        wanted = local_address(request.args.get("next"))
        asked = who_is_asked()
        if asked is None:
            if request.method == "POST":
                flash(_("That took too long. Please log in once more."), "warning")
            return redirect(url_for("LoginView.login", next=wanted or None))
        status = 200
        if request.method == "POST":
            try:
                if show_code(*asked, request.form.get("code", "")):
                    return redirect(wanted or url_for("Home.index"))
                flash(_("That code is not right, or has been used already."), "warning")
            except MailkeepError as problem:
                flash(str(problem), "warning")
                status = STATUS[type(problem)]
        return self.render_template("second_factor/step.html", title=_("Second factor")), status
