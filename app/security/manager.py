"""FAB's security manager, with one permission query a request and a limit on every way to log in."""

from typing import Any

from flask import current_app, g
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import assoc_permissionview_role
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from sqlalchemy import select

from app.actor import Actor
from app.errors import NotFound
from app.models import Verb
from app.security.actor import actor
from app.security.logins import logged_in, logged_out, login_failed
from app.services.audit import record


class LimitedSecurityApi(SecurityApi):
    """FAB limits the login form and forgets this door."""

    limits = [Limit(limit_value=lambda: current_app.config["LOGIN_RATE"], key_func=get_remote_address, methods=("POST",))]


class MailkeepSecurityManager(SecurityManager):
    security_api = LimitedSecurityApi
    userstatschartview = None

    def register_views(self) -> None:
        """The login, by form and for programs. FAB's screens of accounts and groups stay out: views/people.py has its own."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        if self.is_auth_limited:
            self.limiter.limit(self.auth_rate_limit, methods=["POST"])(self.auth_view.blueprint)

    def auth_user_db(self, username: str | None, password: str | None) -> Any:
        user = super().auth_user_db(username, password)
        if user:
            logged_in(user, "password")
        else:
            login_failed(username or "", "password")
        return user

    def reset_password(self, userid: Any, password: str, by: Actor | None = None) -> Any:
        """Also of FAB's own screens and commands, which name nobody: then it is who asks."""
        number = str(userid)
        user = self.get_user_by_id(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if user is None:
            raise NotFound(_("There is no such account."))
        record(by or actor(), Verb.PASSWORD_SET, "account", user.username)
        return super().reset_password(user.id, password)

    def on_user_logout(self, user: Any) -> None:
        logged_out(user)

    def exist_permission_on_roles(self, view_name: str, permission_name: str, role_ids: list[int]) -> bool:
        """FAB asks the database once for each menu item and button; all answers of one request come from one query."""
        return (view_name, permission_name) in self._permissions(tuple(sorted(role_ids)))

    def _permissions(self, role_ids: tuple[int, ...]) -> set[tuple[str, str]]:
        cache: dict[tuple[int, ...], set[tuple[str, str]]] = g.setdefault("_permissions", {})
        if role_ids not in cache:
            link, pair = assoc_permissionview_role, self.permissionview_model
            query: Any = (
                select(self.viewmenu_model.name, self.permission_model.name)
                .select_from(pair)
                .join(link, link.c.permission_view_id == pair.id)
                .join(self.permission_model, self.permission_model.id == pair.permission_id)
                .join(self.viewmenu_model, self.viewmenu_model.id == pair.view_menu_id)
                .where(link.c.role_id.in_(role_ids))
            )
            cache[role_ids] = {(view, permission) for view, permission in self.session.execute(query)}
        return cache[role_ids]
