"""The few statements ingest runs, as text and tuples: the ORM's way to the same SQL costs a third of the whole request."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from app.models import Mail, MailDetail, MailRecipient

_TABLES: dict[str, Table] = {model.__tablename__: model.__table__ for model in (Mail, MailDetail, MailRecipient)}  # type: ignore[misc]
Row = dict[str, Any]


class Statements:
    """For one database dialect. Column types are honoured: their bind processors run where they have one."""

    def __init__(self, dialect: Dialect) -> None:
        self._mark = "?" if dialect.paramstyle == "qmark" else "%s"
        quote = dialect.identifier_preparer.quote
        self._names = {name: [column.name for column in table.columns] for name, table in _TABLES.items()}
        self._inserts = {  # of our own names only
            name: f"INSERT INTO {quote(name)} ({', '.join(map(quote, columns))}) VALUES ({', '.join([self._mark] * len(columns))})"  # noqa: S608
            for name, columns in self._names.items()
        }
        self._binders = {name: _binders(table, dialect) for name, table in _TABLES.items()}
        self._digest = Mail.__table__.c.identity.type
        self._dialect = dialect

    def insert(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """Every column of the table has to be in each row."""
        if not rows:
            return
        binders = self._binders[table]
        for row in rows:
            for column, bind in binders:
                row[column] = bind(row[column])
        names = self._names[table]
        connection.exec_driver_sql(self._inserts[table], [tuple(row[name] for name in names) for row in rows])

    def known_identities(self, connection: Connection, identities: Iterable[str]) -> dict[str, int]:
        return self._identities(connection, "identity", [self._digest.process_bind_param(value, self._dialect) for value in identities])

    def identities_of(self, connection: Connection, ids: Sequence[int]) -> dict[str, int]:
        return self._identities(connection, "id", ids)

    def _identities(self, connection: Connection, column: str, values: Sequence[Any]) -> dict[str, int]:
        marks = ", ".join([self._mark] * len(values))
        found = connection.exec_driver_sql(f"SELECT id, identity FROM mail WHERE {column} IN ({marks})", tuple(values))  # noqa: S608 - our names
        return {bytes(identity).hex(): mail_id for mail_id, identity in found}


def _binders(table: Table, dialect: Dialect) -> list[tuple[str, Any]]:
    """Only the columns whose type changes a value on its way in."""
    found = [(column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in table.columns]
    return [(name, bind) for name, bind in found if bind]


@functools.lru_cache(maxsize=16)
def statements_for(dialect: Dialect) -> Statements:
    return Statements(dialect)
