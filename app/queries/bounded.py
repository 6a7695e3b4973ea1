"""Reading under a time limit: the database itself gives up, on each of the three."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Row, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from app.clock import monotonic

_SQLITE_STEPS = 100
_MYSQL_TIMEOUTS = {1317, 1969, 3024}
_POSTGRES_TIMEOUT = "57014"


class TooSlow(Exception):
    """The database gave up after the time it was given."""


class Deadline:
    """How long a whole answer may take."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def left(self) -> float:
        return self._end - monotonic()

    @property
    def is_over(self) -> bool:
        return self.left() <= 0


def fetch(connection: Connection, query: Executable, seconds: float, values: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
    """All rows of `query`, or TooSlow. Afterwards the connection is as good as before, whatever the answer was."""
    milliseconds = max(10, int(seconds * 1000))
    if connection.dialect.name == "sqlite":
        return _fetch_sqlite(connection, query, milliseconds, values)
    try:
        return connection.execute(query, values, execution_options={"limit_ms": milliseconds}).all()
    except DBAPIError as error:
        if not _is_timeout(error):
            raise
        connection.rollback()
        raise TooSlow from None


def _fetch_sqlite(connection: Connection, query: Executable, milliseconds: int, values: dict[str, Any] | None) -> Sequence[Row[Any]]:
    driver: Any = connection.connection.driver_connection
    end = monotonic() + milliseconds / 1000
    driver.set_progress_handler(lambda: monotonic() > end, _SQLITE_STEPS)
    try:
        return connection.execute(query, values).all()
    except DBAPIError as error:
        if "interrupted" not in str(error.orig):
            raise
        connection.rollback()
        raise TooSlow from None
    finally:
        driver.set_progress_handler(None, 0)


def _is_timeout(error: DBAPIError) -> bool:
    original: Any = error.orig
    code = getattr(original, "args", (None,))[0]
    return code in _MYSQL_TIMEOUTS or getattr(original, "sqlstate", getattr(original, "pgcode", None)) == _POSTGRES_TIMEOUT


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _limit(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, _many: bool) -> tuple[str, Any]:
    """Tells the database the limit in its own words, for this statement alone."""
    milliseconds = context.execution_options.get("limit_ms") if context is not None else None
    if milliseconds:
        dialect: Any = connection.dialect
        if dialect.name == "postgresql":
            cursor.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
        elif dialect.is_mariadb:
            statement = f"SET STATEMENT max_statement_time={milliseconds / 1000} FOR {statement}"
        else:
            statement = statement.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({int(milliseconds)}) */", 1)
    return statement, parameters
