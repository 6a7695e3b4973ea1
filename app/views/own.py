"""What everybody owes or owns, whatever their roles: doors for whoever is logged in, and the form of a new password."""

import functools
from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_babel import gettext as _

from app.security import own_password
from app.security.actor import actor
from app.views.doing import done


def for_anybody_logged_in(door: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(door)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login", next=request.path if request.method == "GET" else None))
        return door(*args, **kwargs)

    return guarded


def change_password_as_typed() -> bool:
    """Whether it is changed; the visitor is told so, or why not."""
    old, new, again = (request.form.get(field, "") for field in ("old", "new", "again"))
    if new != again:
        flash(_("The two new passwords are not the same."), "danger")
        return False
    return done(lambda: own_password.change(g.user, old, new, actor=actor()), _("Your password is changed."))
