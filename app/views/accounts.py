"""FAB's own doors to accounts, under our base: logging in, and the roles of a site's own."""

from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Role
from flask_appbuilder.security.views import AuthDBView, RoleModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import Conflict
from app.models import Verb
from app.roles import Role as KnownRole
from app.views.audited import Audited
from app.views.base import SafeView
from app.views.datamodel import ScopedInterface


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
    """FAB logs out on any GET, so any page could do it to you with an image."""

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        return super().logout()
