"""FAB's account screens under our base: the same checks, our data access, nothing more than is needed."""

from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Group, Role, User
from flask_appbuilder.security.views import AuthDBView, RoleModelView, UserDBModelView, UserGroupModelView
from flask_appbuilder.widgets import ListWidget

from app.views.base import SafeView
from app.views.datamodel import ScopedInterface

_EDIT = {"list", "show", "add", "edit", "delete"}


class AccountView(SafeView, UserDBModelView):
    datamodel = ScopedInterface(User)
    base_filters: Any = []  # only for whoever may administer accounts
    include_route_methods = _EDIT | {"action", "userinfo"}
    open_relations = frozenset({"roles", "groups", "created_by", "changed_by"})
    search_columns = ["username", "first_name", "last_name", "email", "active"]


class RoleView(SafeView, RoleModelView):
    list_widget = ListWidget  # FAB's own for roles only knows built-in ones, of which there are none
    datamodel = ScopedInterface(Role)
    base_filters: Any = []
    include_route_methods = _EDIT
    open_relations = frozenset({"permissions", "user", "groups"})
    search_columns = ["name"]


class GroupView(SafeView, UserGroupModelView):
    datamodel = ScopedInterface(Group)
    base_filters: Any = []
    include_route_methods = _EDIT
    open_relations = frozenset({"users", "roles"})
    search_columns = ["name", "label"]


class LoginView(AuthDBView):
    """FAB logs out on any GET, so any page could do it to you with an image."""

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        return super().logout()
