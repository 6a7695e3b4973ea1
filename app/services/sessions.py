"""Who is logged in where: found, ended one by one or all together. SESSION_STORE says where it is kept."""

from datetime import timedelta

from flask import Flask, current_app
from flask_babel import gettext as _

from app.errors import NotFound
from app.services.session_record import Lifetime, Record, SessionStore
from app.services.sessions_database import DatabaseSessions


def make_store(app: Flask) -> SessionStore:
    url = app.config["SESSION_STORE"]
    lifetime = Lifetime(timedelta(hours=app.config["SESSION_IDLE_HOURS"]), timedelta(hours=app.config["SESSION_HOURS"]))
    if url == "database":
        return DatabaseSessions(lifetime)
    from app.services.sessions_redis import RedisSessions  # needs the extra of that name

    return RedisSessions(url, lifetime)


def session_store() -> SessionStore:
    found: SessionStore = current_app.extensions["mailkeep_sessions"]
    return found


def sessions_of(user_id: int) -> list[Record]:
    """The last seen first."""
    return session_store().list_of(user_id)


def end_session(user_id: int, digest: str) -> None:
    """NotFound as well for somebody else's."""
    if digest not in {record.digest for record in sessions_of(user_id)}:
        raise NotFound(_("There is no such session any more."))
    session_store().delete(digest)


def end_all_sessions(user_id: int, but: str | None = None) -> int:
    return session_store().delete_all_of(user_id, but)
