"""What every page tells an admin at its top."""

from flask import g, request

from app.queries.visibility import is_admin
from app.security.proxy import UNNAMED


def unnamed_proxy() -> str:
    """The address this request came by, where it speaks for others and is not believed; nothing for who cannot mend that."""
    peer: str = request.environ.get(UNNAMED, "")
    return peer if peer and "user" in g and is_admin(g.user) else ""
