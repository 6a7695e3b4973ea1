"""FAB's security manager, with one permission query a request and a limit on every way to log in."""

import json
from typing import Any

from flask import current_app, g, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import assoc_permissionview_role
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from sqlalchemy import select

from app.errors import MailkeepError, NotAllowed
from app.security.ways import log_in


class LimitedSecurityApi(SecurityApi):
    """FAB limits the login form and forgets this door."""

    limits = [Limit(limit_value=lambda: current_app.config["LOGIN_RATE"], key_func=get_remote_address, methods=("POST",))]

    @expose("/login", methods=["POST"])
    def login(self) -> Any:
        try:
            json.dumps(request.get_json(silent=True), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return self.response_400(message="Request payload is not text")
        answer = super().login()
        raise_problem()  # FAB makes a 500 of whatever is raised within
        return answer

    login.__doc__ = SecurityApi.login.__doc__  # what the API's description says of it


def raise_problem() -> None:
    """Why nobody could be let in just now, where that is not a wrong name or password."""
    problem: MailkeepError | None = g.pop("login_problem", None)
    if problem is not None:
        raise problem


class MailkeepSecurityManager(SecurityManager):
    security_api = LimitedSecurityApi
    userstatschartview = None

    def auth_user_db(self, username: str | None, password: str | None) -> Any:
        """What FAB's form and API ask: every way that knows names and passwords, behind one."""
        try:
            return log_in(username or "", password or "")
        except MailkeepError as problem:
            g.login_problem = problem
            return None

    auth_user_ldap = auth_user_db

    def reset_password(self, userid: int, password: str) -> None:
        """Nobody gives themselves a password that would outlive their entry in the directory; an admin may."""
        user = g.get("user")
        if getattr(user, "id", None) == int(userid) and not user.password:
            raise NotAllowed(_("Your password is not kept here; change it where your account comes from."))
        super().reset_password(userid, password)

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
