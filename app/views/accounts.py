"""FAB's own doors to accounts, under our base: logging in, and the roles of a site's own."""

from typing import Any

from flask import current_app, flash, g, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.models import Role
from flask_appbuilder.security.views import AuthDBView, RoleModelView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_user

from app.errors import Conflict, MailkeepError
from app.models import Verb
from app.roles import Role as KnownRole
from app.security import acting
from app.security.ways import log_in
from app.security.ways.proxy import log_in_named
from app.views.audited import Audited
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
            user = log_in(form.username.data, form.password.data) if form.validate_on_submit() else log_in_named()
        except MailkeepError as problem:
            flash(str(problem), "warning")
            return self._page(form), STATUS[type(problem)]
        if user is not None:
            login_user(user, remember=False)
            return redirect(self._get_safe_next_url())
        if form.is_submitted() and not form.errors:
            flash(str(self.invalid_login_message), "warning")
            return redirect(self.appbuilder.get_url_for_login_with(get_safe_redirect(request.args.get("next", ""))))
        return self._page(form)

    def _page(self, form: LoginForm_db) -> Any:
        asks_directory = bool(current_app.config["LDAP_SERVERS"])
        return self.render_template(
            self.login_template, title=self.title, form=form, appbuilder=self.appbuilder, asks_directory=asks_directory
        )

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        acting.end()  # who acts as somebody else ends both
        return super().logout()
