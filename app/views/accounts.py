"""FAB's own doors to accounts, under our base: logging in, and the roles of a site's own."""

from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.models import Role
from flask_appbuilder.security.views import AuthDBView, RoleModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import Conflict, MailkeepError
from app.forms.grants import grant_label
from app.models import Verb
from app.roles import Role as KnownRole
from app.security import acting
from app.security.second_step import let_in
from app.security.ways import oidc, proven
from app.security.ways.proxy import named_by_proxy
from app.services.letters import can_carry_links
from app.views.addresses import outside_url
from app.views.audited import Audited
from app.views.back import local_address
from app.views.base import SafeView
from app.views.datamodel import ScopedInterface
from app.views.errors import STATUS


class RoleView(Audited, SafeView, RoleModelView):
    audit_kind, audit_name = "role", "name"
    audit_verbs = (Verb.ROLE_ADDED, Verb.ROLE_CHANGED, Verb.ROLE_DELETED)
    list_widget, show_widget = ListWidget, ShowWidget  # FAB's own for roles only know built-in ones, of which there are none
    datamodel = ScopedInterface(Role)
    list_title, show_title, add_title, edit_title = _l("Roles"), _l("Role"), _l("New role"), _l("Edit role")
    list_columns = ["name"]
    add_columns = edit_columns = show_columns = ["name", "permissions"]
    base_filters: Any = []  # only for whoever may administer roles
    include_route_methods = {"list", "show", "add", "edit", "delete"}
    open_relations = frozenset({"permissions"})
    search_columns = ["name"]
    formatters_columns = {"permissions": lambda grants: ", ".join(sorted(map(grant_label, grants))) or "–"}

    def _init_forms(self) -> None:
        super()._init_forms()
        for form in (self.add_form, self.edit_form):
            form.permissions.kwargs["get_label"] = grant_label

    def _edit(self, pk: Any) -> Any:
        self._refuse_ours(pk)
        return super()._edit(pk)

    def _delete(self, pk: Any) -> Any:
        self._refuse_ours(pk)
        return super()._delete(pk)

    def _refuse_ours(self, pk: Any) -> None:
        """What these may do stands in the code, and is written again by each deployment."""
        role = self.datamodel.get(pk, self._base_filters)
        if role is not None and role.name in set(KnownRole):
            raise Conflict(_("%(name)s is one of Mailkeep's own roles and stays as it is.", name=role.name))


class LoginView(AuthDBView):
    """One form for all ways that ask for a name and a password. FAB logs out on any GET, so any page could do it to you with an image."""

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        if g.user is not None and g.user.is_authenticated:
            return redirect(self._get_safe_next_url())
        form = LoginForm_db()
        try:
            found = proven(form.username.data, form.password.data) if form.validate_on_submit() else named_by_proxy()
        except MailkeepError as problem:
            flash(str(problem), "warning")
            return self.page(form), STATUS[type(problem)]
        if found is not None:
            if let_in(*found):
                return redirect(self._get_safe_next_url())
            return redirect(url_for("SecondStepView.step", next=local_address(request.args.get("next")) or None))
        if form.is_submitted() and not form.errors:
            flash(str(self.invalid_login_message), "warning")
            return redirect(self.appbuilder.get_url_for_login_with(self._get_safe_next_url()))
        return self.page(form)

    def page(self, form: LoginForm_db | None = None) -> Any:
        return self.render_template(
            self.login_template,
            title=self.title,
            form=form or LoginForm_db(),
            appbuilder=self.appbuilder,
            asks_directory=bool(current_app.config["LDAP_SERVERS"]),
            providers=oidc.providers(),
            next=local_address(request.args.get("next")) or None,
            sends_links=can_carry_links(),
        )

    def _get_safe_next_url(self) -> str:
        """FAB would lead to anything of this host, and to the Host that the request names."""
        return local_address(request.args.get("next")) or url_for("Home.index")

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """Who came by a provider leaves there, too. By a page, since our policy lets no form lead elsewhere."""
        acting.end()  # who acts as somebody else ends both
        url, label = oidc.end_url(outside_url("LoginView.login"))
        answer = super().logout()
        return self.render_template("providers/left.html", title=_("Logged out"), url=url, label=label) if url else answer
