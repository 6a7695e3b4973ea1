"""The extension objects: made here, configured in create_app. (The AppBuilder is made in create_app: it cannot serve two apps.)"""

import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask_appbuilder.security.sqla.models  # noqa: F401 - its tables must be known before strip_sequences
from flask import has_request_context, request
from flask_appbuilder import Model
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Sequence, event
from sqlalchemy.engine import Engine, make_url

PLUS = "plus_addressing"
"""What an engine knows beside its database: threads that write mails have no app to ask."""


class PanelSession(Session):
    """On SQLite what changes something takes the write lock before it reads: else a mail that is committed in between makes it fail."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        engine = super().get_bind(*args, **kwargs)
        if engine.dialect.name != "sqlite" or not (self.info.get("writes") or _changes_something()):
            return engine
        engines = self.info.setdefault("writing", {})
        if engine not in engines:  # one each, since a session has one transaction for each
            engines[engine] = engine.execution_options(writes=True)
        return engines[engine]

    @contextmanager
    def begin_writing(self) -> Iterator[None]:
        """A transaction that writes, also where one was reading: that one is ended first."""
        self.commit()
        with self.only_writing():
            try:
                yield
            except BaseException:
                self.rollback()
                raise

    @contextmanager
    def only_writing(self) -> Iterator[None]:
        """Each transaction that begins in here is one that writes."""
        before, self.info["writes"] = self.info.get("writes", False), True
        try:
            yield
        finally:
            self.info["writes"] = before


def _changes_something() -> bool:
    return has_request_context() and request.method not in ("GET", "HEAD", "OPTIONS")


class Database(SQLAlchemy):
    """Flask-SQLAlchemy over FAB's metadata, so that migrations and sessions see one set of tables."""

    def __init__(self) -> None:
        super().__init__(model_class=Model, disable_autonaming=True, session_options={"class_": PanelSession})


db = Database()
migrate = Migrate(directory=str(pathlib.Path(__file__).resolve().parent.parent / "migrations"))
csrf = CSRFProtect()


def strip_sequences() -> None:
    """FAB declares a Sequence on each key; on MariaDB SQLAlchemy would then ask for sequences no migration made."""
    for table in Model.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.default, Sequence):
                column.default = None
        for part in (table, table.primary_key):
            part.__dict__.pop("_autoincrement_column", None)
    Model.metadata._sequences.clear()


strip_sequences()


def engine_options(url: str, plus: str) -> dict[str, Any]:
    """Short time-outs everywhere: a database that hangs must not hang us. As many connections as threads may ask for at once."""
    # What is written is somebody's mail or password: it does not go into a log with an error.
    pool: dict[str, Any] = {"pool_size": 10, "max_overflow": 600, "pool_timeout": 10, "hide_parameters": True}
    pool["execution_options"] = {PLUS: plus}
    match make_url(url).get_backend_name():
        case "sqlite":
            return pool | {"connect_args": {"timeout": 15, "check_same_thread": False}}
        case "mysql":
            connect = {"connect_timeout": 3, "read_timeout": 30, "write_timeout": 30}
            return pool | {"pool_pre_ping": True, "pool_recycle": 1800, "isolation_level": "READ COMMITTED", "connect_args": connect}
        case _:
            return pool | {
                "pool_pre_ping": True,
                "pool_recycle": 1800,
                "connect_args": {"connect_timeout": 3, "options": "-c lock_timeout=30s"},
            }


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL with a flush at each commit; transactions are begun by us, not guessed by the driver."""
    if type(connection).__module__ != "sqlite3":
        return
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """A connection with the option `writes` takes SQLite's write lock first, so that it never fails to get it half-way."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
