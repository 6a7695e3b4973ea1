"""A piece of work that only one process does at a time, whatever the database: in one transaction of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app.errors import Unavailable

_PATIENCE_SECONDS = 60


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[Session]:
    """Commits at its end; Unavailable where others hold it too long. On SQLite that is its one write lock."""
    with engine.connect().execution_options(writes=True) as connection:
        if connection.dialect.name == "mysql":
            if not connection.scalar(
                text("SELECT GET_LOCK(:name, :patience)"), {"name": f"mailkeep.{name}", "patience": _PATIENCE_SECONDS}
            ):
                raise Unavailable(f"Another process has been busy with {name} for a minute.")
            connection.rollback()  # what is read from here on is what the one before has written
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": crc32(name.encode())})
        try:
            with Session(bind=connection, expire_on_commit=False) as session:
                yield session
                session.commit()
            connection.commit()
        finally:
            if connection.dialect.name == "mysql":
                connection.rollback()
                connection.scalar(text("SELECT RELEASE_LOCK(:name)"), {"name": f"mailkeep.{name}"})
                connection.rollback()
