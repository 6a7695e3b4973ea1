"""What the viewer has chosen, asked once a request, and the cookies that remember it in this browser after the logout."""

from typing import Any

from flask import Response, current_app, g, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.queries.settings import NO_CHOICES, Choices, choices_of

_YEAR_SECONDS = 365 * 86_400


def choices() -> Choices:
    """Of whoever is logged in. Programs say what they want with each request."""
    if "_choices" not in g:
        g._choices = NO_CHOICES  # for what is said while it is found out who asks, and where that cannot be
        try:
            if not request.path.startswith("/api/") and current_user.is_authenticated:
                g._choices = choices_of(current_user)
        except (SQLAlchemyError, Unavailable):
            pass
    found: Choices = g._choices
    return found


def remember(answer: Any, cookie: str, value: str) -> None:
    """Empty: no longer."""
    sessions: Any = current_app.session_interface
    path = sessions.get_cookie_path(current_app)
    response: Response = answer
    if not value:
        response.delete_cookie(cookie, path=path)
        return
    secure = sessions.get_cookie_secure(current_app)
    response.set_cookie(cookie, value, max_age=_YEAR_SECONDS, path=path, secure=secure, httponly=True, samesite="Lax")
