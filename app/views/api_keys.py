"""One's own keys for programs: made, shown once, revoked."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import BadRequest, MailkeepError
from app.models import AccessKey
from app.queries.access_keys import keys_of, roles_for_keys
from app.roles import Role
from app.security.actor import actor
from app.services.access_keys import make_key, revoke_key
from app.views.addresses import outside_url
from app.views.doing import done
from app.views.people import ROLE_LABELS

LASTS = {"30": _l("30 days"), "90": _l("90 days"), "365": _l("A year"), "never": _l("Until it is revoked")}
_USUAL = "365"


class ApiKeyView(BaseView):
    route_base = "/keys"
    default_view = "list"

    @expose("/", methods=["GET"])
    @has_access
    @permission_name("own")
    def list(self) -> Any:
        return self._page()

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("own")
    def make(self) -> Any:
        """The answer is the page with the key: led elsewhere, it would have to be kept until it is shown."""
        try:
            key, text = make_key(g.user, request.form.get("name", ""), request.form.get("role", ""), _days(), actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return self._page()
        return self._page(made=key, text=text)

    @expose("/revoke", methods=["POST"])
    @has_access
    @permission_name("own")
    def revoke(self) -> Any:
        done(lambda: revoke_key(g.user, request.form.get("key", type=int, default=0), actor=actor()), _("The key is revoked."))
        return redirect(url_for("ApiKeyView.list"))

    def _page(self, made: AccessKey | None = None, text: str = "") -> Any:
        roles, address = roles_for_keys(g.user), outside_url("MailApi.get_list")
        return self.render_template(
            "people/api_keys.html",
            title=_("API keys"),
            api_keys=keys_of(g.user.id),
            made=made,
            text=text,
            roles={role: ROLE_LABELS.get(role, role) for role in roles},
            typed=request.form if made is None else {},
            usual_role=Role.RECIPIENT,
            lasts=LASTS,
            usual=_USUAL,
            example=f'curl -H "Authorization: Bearer {made.prefix}…" "{address}?size=5"' if made else "",
        )


def _days() -> int | None:
    chosen = request.form.get("lasts", "")
    if chosen not in LASTS:
        raise BadRequest(_("Choose how long the key lasts."))
    return None if chosen == "never" else int(chosen)
