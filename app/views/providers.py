"""The doors to the site's identity providers: out to one of them, and back."""

from typing import Any

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import no_cache

from app.errors import MailkeepError, NotFound
from app.security import limits
from app.security.second_step import let_in
from app.security.ways import oidc
from app.views.addresses import outside_url
from app.views.back import local_address
from app.views.errors import STATUS


class ProviderView(BaseView):
    """A GET each: the first changes nothing but the visitor's cookie, the second is what the first has begun."""

    route_base = "/login"
    default_view = "begin"
    limits = [limits.ON_ANYTHING]

    @expose("/<name>/")
    @no_cache
    def begin(self, name: str) -> Any:
        next_url = local_address(request.args.get("next"))
        if g.user is not None and g.user.is_authenticated:
            return redirect(next_url or url_for("Home.index"))
        try:
            return redirect(oidc.begin(name, _back(name), next_url))
        except NotFound:
            raise
        except MailkeepError as problem:
            return self._form(problem)

    @expose("/<name>/callback")
    @no_cache
    def callback(self, name: str) -> Any:
        if g.user is not None and g.user.is_authenticated:
            return redirect(url_for("Home.index"))
        answer = {key: values[0] for key, values in request.args.to_dict(flat=False).items() if len(values) == 1}
        try:
            user, next_url, came_by = oidc.finish(name, answer, _back(name))
        except NotFound:
            raise
        except MailkeepError as problem:
            return self._form(problem)
        wanted = local_address(next_url)
        if not let_in(user, oidc.way_of(name)):
            return redirect(url_for("SecondStepView.step", next=wanted or None))
        oidc.remember(came_by)
        return redirect(wanted or url_for("Home.index"))

    def _form(self, problem: MailkeepError) -> Any:
        """What went wrong, above the other ways in."""
        flash(str(problem), "warning")
        return make_response(self.appbuilder.sm.auth_view.page(), STATUS[type(problem)])


def _back(name: str) -> str:
    return outside_url("ProviderView.callback", name=name)
