"""The nodes: how each is, how it is reached, and what it may; auditors look, admins change."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.models import Node
from app.queries.nodes import known_nodes, node_numbered
from app.security.actor import actor
from app.services import nodes
from app.services.node_look import look
from app.services.peering import Api, new_secret, set_api
from app.views.doing import done
from app.views.node_page import asked_names, shown

_USUAL_USER = "rspamd"
FIELDS = ("name", "user", "allow", "api_url", "api_ca", "api_pin", "api_allow", "api_user", "controller_url", "scan_url")


class NodeView(BaseView):
    route_base = "/nodes"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """Nobody is asked for it: that is done by the piece that comes after it."""
        return self._list(None)

    @expose("/states")
    @has_access
    @permission_name("list")
    def states(self) -> Any:
        return self._list(look(asked_names(known_nodes())))

    @expose("/new", methods=["GET"])
    @has_access
    @permission_name("edit")
    def new(self) -> Any:
        return self._form(None, {"user": _USUAL_USER})

    @expose("/new", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> Any:
        """Its password is made here, and stands in this answer alone."""
        typed = _typed()
        try:
            made, password = nodes.add_with_password(typed["name"], typed["user"], _words(typed["allow"]), actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return self._form(None, typed), 400
        try:
            made = _save(made.name, typed)
        except MailkeepError as error:  # the node is there: what is left can be mended
            flash(str(error), "danger")
        return self._form(made, _typed_of(made), password=password)

    @expose("/<int:number>", methods=["GET"])
    @has_access
    @permission_name("edit")
    def node(self, number: int) -> Any:
        found = node_numbered(number)
        return self._form(found, _typed_of(found))

    @expose("/<int:number>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def change(self, number: int) -> Any:
        found, typed = node_numbered(number), _typed()

        if not done(lambda: _save(found.name, typed), _("The node is changed.")):
            return self._form(found, typed), 400
        return redirect(url_for("NodeView.list"))

    @expose("/<int:number>/password", methods=["POST"])
    @has_access
    @permission_name("edit")
    def password(self, number: int) -> Any:
        return self._made(number, nodes.new_password, "password")

    @expose("/<int:number>/secret", methods=["POST"])
    @has_access
    @permission_name("edit")
    def secret(self, number: int) -> Any:
        return self._made(number, new_secret, "secret")

    @expose("/<int:number>/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self, number: int) -> Any:
        found, on = node_numbered(number), request.form.get("on") == "yes"
        said = _("The node is switched on.") if on else _("The node is switched off: nothing it posts or asks is taken.")
        done(lambda: nodes.edit(found.name, enabled=on, actor=actor()), said)
        return redirect(url_for("NodeView.list"))

    @expose("/<int:number>/test", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test(self, number: int) -> Any:
        found = node_numbered(number)
        said = look([found.name], impatient=True)[found.name]
        if said.trouble:
            flash(said.trouble, "danger")
        else:
            flash(_("%(node)s answers: version %(version)s.", node=found.name, version=said.version), "success")
        return redirect(url_for("NodeView.list"))

    @expose("/<int:number>/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self, number: int) -> Any:
        found = node_numbered(number)
        if found.name == current_app.config["NODE_NAME"]:
            flash(_("This is the server you are on: it needs its node."), "danger")
        else:
            done(lambda: nodes.remove(found.name, actor=actor()), _("The node is removed. Its mails stay."))
        return redirect(url_for("NodeView.list"))

    def _list(self, looks: Any) -> Any:
        known = known_nodes()
        template = "nodes/_table.html" if "X-Fragment" in request.headers else "nodes/list.html"
        may_edit = self.appbuilder.sm.has_access("can_edit", self.class_permission_name)
        return self.render_template(template, title=_("Nodes"), rows=shown(known, looks), is_asked=looks is not None, may_edit=may_edit)

    def _form(self, node: Node | None, typed: dict[str, str], password: str = "", secret: str = "") -> Any:
        is_here = node is not None and node.name == current_app.config["NODE_NAME"]
        title = node.name if node is not None else _("New node")
        return self.render_template(
            "nodes/node.html", title=title, node=node, typed=typed, password=password, secret=secret, is_here=is_here
        )

    def _made(self, number: int, make: Callable[..., str], what: str) -> Any:
        """The answer is the page with what was made: led elsewhere, it would have to be kept until it is shown."""
        found = node_numbered(number)
        try:
            text = make(found.name, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return self._form(found, _typed_of(found)), 400
        return self._form(found, _typed_of(found), **{what: text})


def _typed() -> dict[str, str]:
    found = {field: request.form.get(field, "").strip() for field in FIELDS}
    return found | {field: request.form.get(field, "") for field in ("api_password", "controller_password")}


def _typed_of(node: Node) -> dict[str, str]:
    return {field: str(getattr(node, field) or "") for field in FIELDS}


def _save(name: str, typed: dict[str, str]) -> Node:
    set_api(name, _api(typed), actor=actor())
    return nodes.edit(
        name,
        typed["user"],
        allow=_words(typed["allow"]),
        controller=typed["controller_url"],
        controller_password=typed["controller_password"] or None,
        scan=typed["scan_url"],
        actor=actor(),
    )


def _api(typed: dict[str, str]) -> Api:
    allow = _words(typed["api_allow"])
    return Api(typed["api_url"], typed["api_ca"], typed["api_pin"], allow, typed["api_user"], typed["api_password"] or None)


def _words(text: str) -> Sequence[str]:
    return text.replace(",", " ").split()
