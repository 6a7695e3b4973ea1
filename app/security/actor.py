"""Who asks: the actor of the current request, or whoever typed the command."""

from flask import g, has_request_context, request
from flask_login import current_user

from app.actor import Actor, command_line
from app.security.acting import acting


def actor() -> Actor:
    """Without a name for a visitor; an admin who acts as somebody else, in whose name."""
    if not has_request_context():
        return command_line()
    user = g.get("user") or current_user
    known = bool(user) and user.is_authenticated
    if known and (both := acting()) is not None:
        return both.actor()
    return Actor(user.username if known else "", user.id if known else None, request.remote_addr or "")
