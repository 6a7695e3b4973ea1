"""What an account still owes before it may open anything: one table, asked before every request and for every token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, redirect, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.errors import NotAllowed
from app.queries.visibility import held_roles
from app.security.acting import acting
from app.security.second_step import WAY, is_asked_after
from app.security.sessions import BACKGROUND


def must_have_factor(user: Any, way: str) -> bool:
    """Where the way itself asks for one, that is not ours to ask."""
    wanted = {role.casefold() for role in current_app.config["SECOND_FACTOR_ROLES"]}
    return bool(wanted) and is_asked_after(way) and any(role.casefold() in wanted for role in held_roles(user))


def _owes_factor(user: Any, way: str) -> bool:
    return user.second_factor is None and must_have_factor(user, way)


def _owes_password(user: Any, way: str) -> bool:
    """Only a password of ours can be owed, and only by who came in with it."""
    return bool(user.password) and user.setting is not None and user.setting.owes_password and way in ("", "password")


@dataclass(frozen=True, slots=True)
class Debt:
    is_owed: Callable[[Any, str], bool]
    paid_at: str
    """The page on which it is settled."""
    doors: frozenset[str]
    said: Any


# In the order in which they are settled.
DEBTS = (
    Debt(
        _owes_factor,
        "SecondFactorView.show",
        frozenset({"SecondFactorView.show", "SecondFactorView.set_up"}),
        _l("Your role needs a second factor. Set it up first."),
    ),
    Debt(
        _owes_password,
        "NewPasswordView.show",
        frozenset({"NewPasswordView.show", "NewPasswordView.choose"}),
        _l("Choose a new password first."),
    ),
)
# Open to whoever owes something; machines have no account, and who comes by the link of a letter is nobody here.
_OPEN = frozenset({"static", "appbuilder.static", "LoginView.logout", "LanguageView.choose", "ThemeView.choose"})
_MACHINES = frozenset({"health", "metrics", "ingest", "node_api", "notice_links"})


def debt_of(user: Any, way: str) -> Debt | None:
    return next((debt for debt in DEBTS if debt.is_owed(user, way)), None)


def refuse_debtor(user: Any, way: str = "") -> None:
    """For programs, which are shown no page."""
    debt = debt_of(user, way)
    if debt is not None:
        raise NotAllowed(str(debt.said))


def guard(app: Flask) -> None:
    app.before_request(_lead_to_what_is_owed)


def _lead_to_what_is_owed() -> Any:
    if request.endpoint is None or request.endpoint in _OPEN or request.blueprint in _MACHINES or not current_user.is_authenticated:
        return None
    debt = debt_of(current_user, session.get(WAY, "")) if acting() is None else None
    if debt is None or request.endpoint in debt.doors:
        return None
    if _is_program():
        raise NotAllowed(str(debt.said))
    return redirect(url_for(debt.paid_at))


def _is_program() -> bool:
    """Who wants a page is led to another; who wants data is told."""
    fetched = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    return request.path.startswith("/api/") or BACKGROUND in request.headers or request.is_json or fetched
