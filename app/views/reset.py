"""A new password without the old one: asking for a link by mail, and the page to which that link leads."""

from functools import partial
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import no_cache
from flask_babel import gettext as _

from app.errors import BadRequest, Conflict
from app.security.actor import actor
from app.security.reset import ask, choose_password, user_of
from app.services import passwords
from app.services.background import background
from app.services.letters import can_carry_links


class PasswordLinkView(BaseView):
    """For visitors: what they send is the key."""

    route_base = "/password"
    default_view = "forgotten"

    @expose("/forgotten", methods=["GET", "POST"])
    @no_cache
    def forgotten(self) -> Any:
        """Whether there is such an account is looked up after the answer, which is the same for all."""
        if request.method == "GET" or not can_carry_links():
            return self._ask()
        name = request.form.get("name", "").strip()
        if name:
            background().do(partial(ask, name, actor()))
        flash(
            _("If there is such an account, a mail with a link is on its way to its address. If none comes, ask an administrator."), "info"
        )
        return redirect(url_for("LoginView.login"))

    @expose("/choose", methods=["GET"])
    @no_cache
    def choose(self) -> Any:
        return self._choose(request.args.get("link", ""))

    @expose("/choose", methods=["POST"])
    @no_cache
    def chosen(self) -> Any:
        link, new, again = (request.form.get(field, "") for field in ("link", "new", "again"))
        if new != again:
            flash(_("The two new passwords are not the same."), "danger")
            return self._choose(link)
        try:
            choose_password(link, new, ip=actor().ip)
        except BadRequest as error:
            flash(str(error), "danger")
            return self._choose(link)
        except Conflict:
            return self._choose("")
        flash(_("Your password is changed. Log in with it."), "success")
        return redirect(url_for("LoginView.login"))

    def _ask(self, ended: bool = False) -> Any:
        page = self.render_template("password/forgotten.html", title=_("New password"), can_mail=can_carry_links(), ended=ended)
        return make_response(page, 410 if ended else 200)

    def _choose(self, link: str) -> Any:
        user = user_of(link)
        if user is None:
            return self._ask(ended=True)
        username = user.username
        answer = make_response(
            self.render_template(
                "password/choose.html", title=_("New password"), username=username, link=link, shortest=passwords.SHORTEST_PASSWORD
            )
        )
        # The address of this page is a key: no other page, and no log of who asks for its style sheets, gets it as a referrer.
        answer.headers["Referrer-Policy"] = "strict-origin"
        answer.headers["X-Robots-Tag"] = "noindex, nofollow"
        return answer
