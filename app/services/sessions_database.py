"""Sessions in the database, written beside the work of the request: neither commits the other's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.engine import Row

from app.extensions import db
from app.models import LoginSession
from app.services.session_record import Data, Lifetime, Record, as_text, from_text, whole_seconds

_COLUMNS = (
    LoginSession.digest,
    LoginSession.user_id,
    LoginSession.data,
    LoginSession.created_at,
    LoginSession.seen_at,
    LoginSession.ip,
    LoginSession.agent,
)


class DatabaseSessions:
    def __init__(self, lifetime: Lifetime) -> None:
        self._lifetime = lifetime

    def add(self, record: Record) -> None:
        values = {name: getattr(record, name) for name in ("digest", "user_id", "created_at", "seen_at", "ip", "agent")}
        with _writing() as connection:
            connection.execute(insert(LoginSession).values(data=as_text(record.data), **values))

    def load(self, digest: str) -> Record | None:
        row = db.session.execute(select(*_COLUMNS).where(LoginSession.digest == digest)).one_or_none()
        return None if row is None or self._lifetime.has_ended(row.created_at, row.seen_at) else _record(row)

    def save(self, digest: str, merge: Callable[[Data], Data]) -> None:
        mine = LoginSession.digest == digest
        with _writing() as connection:
            text = connection.scalar(select(LoginSession.data).where(mine).with_for_update())
            if text is not None:
                values = {"data": as_text(merge(from_text(text))), "seen_at": whole_seconds()}
                connection.execute(update(LoginSession).where(mine).values(values))

    def renew(self, digest: str) -> None:
        with _writing() as connection:
            connection.execute(update(LoginSession).where(LoginSession.digest == digest).values(seen_at=whole_seconds()))

    def delete(self, digest: str) -> None:
        with _writing() as connection:
            connection.execute(delete(LoginSession).where(LoginSession.digest == digest))

    def delete_all_of(self, user_id: int, but: str | None = None) -> int:
        theirs = delete(LoginSession).where(LoginSession.user_id == user_id)
        with _writing() as connection:
            return connection.execute(theirs if but is None else theirs.where(LoginSession.digest != but)).rowcount

    def list_of(self, user_id: int) -> list[Record]:
        rows = db.session.execute(select(*_COLUMNS).where(LoginSession.user_id == user_id).order_by(LoginSession.seen_at.desc()))
        return [_record(row) for row in rows if not self._lifetime.has_ended(row.created_at, row.seen_at)]

    def purge(self) -> int:
        """How many have gone."""
        now = whole_seconds()
        ended = or_(LoginSession.seen_at <= now - self._lifetime.idle, LoginSession.created_at <= now - self._lifetime.whole)
        with _writing() as connection:
            return connection.execute(delete(LoginSession).where(ended)).rowcount


def _record(row: Row[Any]) -> Record:
    return Record(**{**row._mapping, "data": from_text(row.data)})


@contextmanager
def _writing() -> Iterator[Connection]:
    """One transaction of its own. SQLite has one writer: what this request holds and has not committed by now, it gives up."""
    if db.session().info.get("writing"):
        db.session.rollback()
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection
