"""One's own second factor: set up with a code, its recovery codes shown once, switched off with a proof."""

from typing import Any

import segno
from flask import current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import no_cache
from flask_babel import gettext as _

from app.errors import BadRequest, Conflict, MailkeepError
from app.security import limits
from app.security.actor import actor
from app.security.owed import must_have_factor
from app.security.second_step import WAY, begin_anew, prove
from app.services import second_factor
from app.services.one_time_codes import address_of_secret
from app.views.own import for_anybody_logged_in


class SecondFactorView(BaseView):
    route_base = "/second-factor"
    default_view = "show"
    limits = [limits.ON_TRIES]

    @expose("/", methods=["GET"])
    @for_anybody_logged_in
    @no_cache
    def show(self) -> Any:
        if g.user.second_factor is None:
            return self._set_up_page(second_factor.offer(g.user))
        return self.render_template(
            "second_factor/show.html",
            title=_("Second factor"),
            since=g.user.second_factor.confirmed_at,
            left=second_factor.codes_left(g.user),
            must=self._must(),
            by_password=bool(g.user.password),
        )

    @expose("/", methods=["POST"])
    @for_anybody_logged_in
    @no_cache
    def set_up(self) -> Any:
        """The secret comes back with the form, encrypted: nothing is kept of it before its first code."""
        offered = request.form.get("offered", "")
        try:
            codes = second_factor.set_up(g.user, offered, request.form.get("code", ""), actor=actor())
        except BadRequest as error:
            flash(str(error), "danger")
            return self._set_up_page(offered)
        except Conflict as error:
            flash(str(error), "danger")
            return redirect(url_for("SecondFactorView.show"))
        begin_anew(g.user)
        flash(_("Your second factor is set up. From now on each login asks for a code."), "success")
        return self._codes_page(codes)

    @expose("/codes", methods=["POST"])
    @for_anybody_logged_in
    @no_cache
    def codes(self) -> Any:
        try:
            prove(g.user, request.form.get("proof", ""))
            codes = second_factor.renew_codes(g.user, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return redirect(url_for("SecondFactorView.show"))
        return self._codes_page(codes)

    @expose("/off", methods=["POST"])
    @for_anybody_logged_in
    def off(self) -> Any:
        try:
            if self._must():
                raise BadRequest(_("Your role needs a second factor."))
            prove(g.user, request.form.get("proof", ""))
            second_factor.remove(g.user, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            begin_anew(g.user)
            flash(_("Your second factor is switched off."), "success")
        return redirect(url_for("SecondFactorView.show"))

    def _must(self) -> bool:
        return must_have_factor(g.user, session.get(WAY, ""))

    def _set_up_page(self, offered: str) -> Any:
        secret = second_factor.secret_offered(g.user, offered)
        if secret is None:
            return redirect(url_for("SecondFactorView.show"))
        square = segno.make(address_of_secret(secret, current_app.config["APP_NAME"], g.user.username), error="m", micro=False)
        return self.render_template(
            "second_factor/set_up.html",
            title=_("Set up a second factor"),
            offered=offered,
            secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            square=square.svg_data_uri(scale=5, border=4, light="#fff"),
            must=self._must(),
        )

    def _codes_page(self, codes: list[str]) -> Any:
        return self.render_template("second_factor/codes.html", title=_("Recovery codes"), codes=codes)
