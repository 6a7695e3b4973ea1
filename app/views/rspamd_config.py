"""The files of a node's Rspamd, to be copied, for admins. The password that is typed stands in the answer and nowhere else."""

from typing import Any

from flask import current_app, flash, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.queries.nodes import known_nodes
from app.services.rspamd_config import Prepared, Wish, prepare


class RspamdView(BaseView):
    route_base = "/rspamd"
    default_view = "choose"

    @expose("/", methods=["GET"])
    @has_access
    @permission_name("make")
    def choose(self) -> Any:
        return self._page(Wish(""))

    @expose("/files", methods=["POST"])
    @has_access
    @permission_name("make")
    def files(self) -> Any:
        typed = {field: request.form.get(field, "").strip() for field in ("node", "url", "version", "release_from")}
        wish = Wish(**typed, password=request.form.get("password", ""), login_for_maps="login_for_maps" in request.form)
        try:
            return self._page(wish, prepare(wish))
        except MailkeepError as error:
            flash(str(error), "danger")
            return self._page(wish), 400

    def _page(self, wish: Wish, prepared: Prepared | None = None) -> Any:
        nodes = [node.name for node in known_nodes() if node.user]
        base = current_app.config["PUBLIC_URL"]
        return self.render_template("rspamd/files.html", title=_("Rspamd's files"), nodes=nodes, wish=wish, prepared=prepared, base=base)
