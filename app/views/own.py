"""Doors to what everybody owes or owns, whatever their roles: being logged in is enough."""

import functools
from collections.abc import Callable
from typing import Any

from flask import g, redirect, request, url_for


def for_anybody_logged_in(door: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(door)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login", next=request.path if request.method == "GET" else None))
        return door(*args, **kwargs)

    return guarded
