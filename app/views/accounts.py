"""FAB's account screens under our base: the same checks, our data access, nothing more than is needed."""

from typing import Any

from flask import flash, redirect
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.sqla.models import Group, Role, User
from flask_appbuilder.security.views import AuthDBView, RoleModelView, UserDBModelView, UserGroupModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.services.sessions import end_all_sessions
from app.views.base import SafeView
from app.views.datamodel import ScopedInterface

_EDIT = {"list", "show", "add", "edit", "delete"}


class AccountView(SafeView, UserDBModelView):
    datamodel = ScopedInterface(User)
    list_title, show_title, add_title, edit_title = _l("Users"), _l("User"), _l("New user"), _l("Edit user")
    base_filters: Any = []  # only for whoever may administer accounts
    include_route_methods = _EDIT | {"action", "action_post", "userinfo"}
    open_relations = frozenset({"roles", "groups", "created_by", "changed_by"})
    search_columns = ["username", "first_name", "last_name", "email", "active"]

    @action("endsessions", _l("Log out everywhere"), _l("Log these accounts out everywhere?"), "fa-sign-out")
    def endsessions(self, chosen: Any) -> Any:
        for user in chosen if isinstance(chosen, list) else [chosen]:
            end_all_sessions(user.id)
            flash(_("%(name)s is logged out everywhere.", name=user.username), "success")
        return redirect(self.get_redirect())


class RoleView(SafeView, RoleModelView):
    list_widget, show_widget = ListWidget, ShowWidget  # FAB's own for roles only know built-in ones, of which there are none
    datamodel = ScopedInterface(Role)
    list_title, show_title, add_title, edit_title = _l("Roles"), _l("Role"), _l("New role"), _l("Edit role")
    list_columns = ["name"]
    base_filters: Any = []
    include_route_methods = _EDIT
    open_relations = frozenset({"permissions", "user", "groups"})
    search_columns = ["name"]


class GroupView(SafeView, UserGroupModelView):
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
