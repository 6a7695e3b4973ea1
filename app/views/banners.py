"""What every page tells those who look after others."""

from flask import g, request

from app.queries.requests import MOST_COUNTED, deciding_of, open_count
from app.queries.visibility import is_admin
from app.security.proxy import UNNAMED


def unnamed_proxy() -> str:
    """The address this request came by, where it speaks for others and is not believed; nothing for who cannot mend that."""
    peer: str = request.environ.get(UNNAMED, "")
    return peer if peer and "user" in g and is_admin(g.user) else ""


def open_requests() -> str:
    """How many wait for a decision of theirs; empty where none does."""
    count = open_count(deciding_of(g.user)) if "user" in g else 0
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")
