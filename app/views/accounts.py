"""FAB's account screens under our base: the same checks, our data access, nothing more than is needed."""

from typing import Any

from flask import g
from flask_appbuilder import expose
from flask_appbuilder.security import views as fab
from flask_appbuilder.security.sqla.models import Group, Role, User
from flask_appbuilder.security.views import AuthDBView, RoleModelView, UserDBModelView, UserGroupModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import lazy_gettext as _l

from app.models import Verb
from app.security.actor import actor
from app.services.audit import record
from app.views.audited import Audited
from app.views.base import SafeView
from app.views.datamodel import ScopedInterface

_EDIT = {"list", "show", "add", "edit", "delete"}


class AccountView(Audited, SafeView, UserDBModelView):
    audit_kind, audit_name = "account", "username"
    audit_verbs = (Verb.ACCOUNT_ADDED, Verb.ACCOUNT_CHANGED, Verb.ACCOUNT_DELETED)
    datamodel = ScopedInterface(User)
    list_title, show_title, add_title, edit_title = _l("Users"), _l("User"), _l("New user"), _l("Edit user")
    base_filters: Any = []  # only for whoever may administer accounts
    include_route_methods = _EDIT | {"action", "userinfo"}
    open_relations = frozenset({"roles", "groups", "created_by", "changed_by"})
    search_columns = ["username", "first_name", "last_name", "email", "active"]


class RoleView(Audited, SafeView, RoleModelView):
    audit_kind, audit_name = "role", "name"
    audit_verbs = (Verb.ROLE_ADDED, Verb.ROLE_CHANGED, Verb.ROLE_DELETED)
    list_widget, show_widget = ListWidget, ShowWidget  # FAB's own for roles only know built-in ones, of which there are none
    datamodel = ScopedInterface(Role)
    list_title, show_title, add_title, edit_title = _l("Roles"), _l("Role"), _l("New role"), _l("Edit role")
    list_columns = ["name"]
    base_filters: Any = []
    include_route_methods = _EDIT
    open_relations = frozenset({"permissions", "user", "groups"})
    search_columns = ["name"]


class GroupView(Audited, SafeView, UserGroupModelView):
    audit_kind, audit_name = "group", "name"
    audit_verbs = (Verb.GROUP_ADDED, Verb.GROUP_CHANGED, Verb.GROUP_DELETED)
    datamodel = ScopedInterface(Group)
    list_title, show_title, add_title, edit_title = _l("Groups"), _l("Group"), _l("New group"), _l("Edit group")
    base_filters: Any = []
    include_route_methods = _EDIT
    open_relations = frozenset({"users", "roles"})
    search_columns = ["name", "label"]


class LoginView(AuthDBView):
    """FAB logs out on any GET, so any page could do it to you with an image."""

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        return super().logout()


class UserInfoEditView(fab.UserInfoEditView):
    """FAB's permissions and routes go by the name of this class."""

    def form_post(self, form: Any) -> None:
        user = self.appbuilder.sm.get_user_by_id(g.user.id)
        after = {name: value for name, value in form.data.items() if name != "csrf_token" and value != getattr(user, name)}
        if after:
            before = {name: getattr(user, name) for name in after}
            record(actor(), Verb.ACCOUNT_CHANGED, "account", user.username, before=before, after=after)
        super().form_post(form)
