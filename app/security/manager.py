"""FAB's security manager, with one permission query a request, a limit on every way to log in, and logins that end with their password."""

import json
from typing import Any

from flask import g, has_request_context, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import assoc_permissionview_role
from flask_babel import gettext as _
from flask_jwt_extended import JWTManager
from flask_login import LoginManager
from sqlalchemy import select

from app.actor import Actor
from app.errors import MailkeepError, NotAllowed, NotFound
from app.faces import at_portal
from app.models import Verb
from app.queries.visibility import key_role
from app.roles import GRANTS, Role
from app.security import acting, limits
from app.security.actor import actor
from app.security.logins import logged_out
from app.security.owed import refuse_debtor
from app.security.sessions import ACTS, STAMP, USER, this_browser
from app.security.stamp import is_stamp_of, stamp_of
from app.security.tokens import LOGIN, is_login_there, login_of_token
from app.security.ways import log_in
from app.services.audit import record, recorded
from app.services.passwords import hash_of


class LimitedSecurityApi(SecurityApi):
    """FAB limits the login form and forgets this door."""

    limits = [limits.ON_TRIES]

    @expose("/login", methods=["POST"])
    def login(self) -> Any:
        try:
            json.dumps(request.get_json(silent=True), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return self.response_400(message="Request payload is not text")
        answer = super().login()
        raise_problem()  # FAB makes a 500 of whatever is raised within
        return answer

    def add_apispec_components(self, api_spec: Any) -> None:
        super().add_apispec_components(api_spec)
        told = "A key (mk_...) as the password, or the password where that is all the account's login asks for"
        api_spec.components.security_scheme("basic", {"type": "http", "scheme": "basic", "description": told})

    login.__doc__ = SecurityApi.login.__doc__  # what the API's description says of it


def raise_problem() -> None:
    """Why nobody could be let in just now, where that is not a wrong name or password."""
    problem: MailkeepError | None = g.pop("login_problem", None)
    if problem is not None:
        raise problem


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
        """What FAB's form and API ask: every way that knows names and passwords, behind one."""
        try:
            return log_in(username or "", password or "")
        except MailkeepError as problem:
            g.login_problem = problem
            return None

    auth_user_ldap = auth_user_db

    def reset_password(self, userid: Any, password: str, by: Actor | None = None) -> None:
        """Also of FAB's own commands, which name nobody: then it is who asks. Ends every login of the account but that of whoever
        changes their own: this browser goes on under a new id."""
        number = str(userid)
        user = self.get_user_by_id(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if user is None:
            raise NotFound(_("There is no such account."))
        if getattr(g.get("user"), "id", None) == user.id and not user.password:
            # It would outlive their entry in the directory; an admin may give one.
            raise NotAllowed(_("Your password is not kept here; change it where your account comes from."))
        hashed = hash_of(password)
        record(by or actor(), Verb.PASSWORD_SET, "account", user.username)
        user.password = hashed
        self.session.commit()  # FAB would log what goes wrong here, and say nothing
        if has_request_context() and str(this_browser().get(USER)) == str(user.id):
            this_browser().begin(user.id, stamp_of(self.get_user_by_id(user.id)))

    def add_user(self, username: str, *names: Any, by: Actor | None = None, **more: Any) -> Any:
        """Also of FAB's own commands. FAB commits the event with the account, or neither; with `commit=False` whoever calls does."""
        email, role = (*names, None, None, None, None)[2:4]
        email, role = more.get("email", email), more.get("role", role)
        given = sorted(each.name for each in (role if isinstance(role, list) else [role] if role else []))
        record(by or actor(), Verb.ACCOUNT_ADDED, "account", username, after={"email": email, "roles": given})
        return super().add_user(username, *names, **more)

    def import_roles(self, path: str) -> None:
        super().import_roles(path)
        recorded(actor(), Verb.ROLE_CHANGED, "role", "", after={"imported from": path})

    def on_user_logout(self, user: Any) -> None:
        logged_out(user)

    # --- a login counts as long as what it stands on -------------------------------------------------------------------------

    def create_login_manager(self, app: Any) -> LoginManager:
        manager = super().create_login_manager(app)
        manager.user_loader(self.load_user_of_session)
        # No cookie remembers anybody past the session, so nothing has to look for one after each file that is sent.
        app.after_request_funcs[None].remove(manager._update_remember_cookie)
        return manager

    def load_user_of_session(self, pk: str) -> Any:
        user = self.load_user(int(pk))
        if ACTS in this_browser():
            return acting.seen_as(user)
        if user is None or not is_stamp_of(user, this_browser().get(STAMP)):
            this_browser().end()
            return None
        return user

    def create_jwt_manager(self, app: Any) -> JWTManager:
        manager: JWTManager = super().create_jwt_manager(app)
        manager.additional_claims_loader(self._claims)
        manager.invalid_token_loader(manager._unauthorized_callback)  # it would say 422
        return manager

    def _claims(self, identity: str) -> dict[str, str]:
        return {"stamp": stamp_of(self.get_user_by_id(int(identity))), LOGIN: login_of_token(int(identity))}

    def load_user_jwt(self, jwt_header: Any, jwt_data: Any) -> Any:
        user = self.load_user(int(jwt_data["sub"]))
        if user is None or not is_stamp_of(user, jwt_data.get("stamp")) or not is_login_there(jwt_data, user.id):
            return None
        refuse_debtor(user)
        return super().load_user_jwt(jwt_header, jwt_data)

    # --- permissions ----------------------------------------------------------------------------------------------------------

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        """With a key both must say yes: what its owner may now, and the role it acts in."""
        allowed: bool = super()._has_view_access(user, permission_name, view_name)
        return allowed and (key_role(user) is None or (view_name, permission_name) in self._permissions(self._key_role_ids(user)))

    def _get_user_permission_view_menus(self, user: Any, permission_name: str, view_menus_name: list[str]) -> set[str]:
        allowed: set[str] = super()._get_user_permission_view_menus(user, permission_name, view_menus_name)
        if key_role(user) is not None:
            allowed &= {view for view, permission in self._permissions(self._key_role_ids(user)) if permission == permission_name}
        return allowed

    def _key_role_ids(self, user: Any) -> tuple[int, ...]:
        if "_key_role_ids" not in g:
            role = self.find_role(key_role(user))
            g._key_role_ids = () if role is None else (role.id,)
        found: tuple[int, ...] = g._key_role_ids
        return found

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
            found = {(permission, view) for view, permission in self.session.execute(query)}
            found &= GRANTS[Role.RECIPIENT] if at_portal() else found
            cache[role_ids] = {(view, permission) for permission, view in found}
        return cache[role_ids]
