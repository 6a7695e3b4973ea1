"""The few statements that bring many rows, as text and tuples: the ORM's way to the same SQL costs more than all else."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from app.ids import MAX_ID
from app.models import LateMail, Mail, MailDetail, MailRecipient

_TABLES: dict[str, Table] = {model.__tablename__: model.__table__ for model in (Mail, MailDetail, MailRecipient, LateMail)}  # type: ignore[misc]
Row = dict[str, Any]


class Statements:
    """For one database dialect. Column types are honoured: their bind processors run where they have one."""

    def __init__(self, dialect: Dialect) -> None:
        self._mark = _mark(dialect)
        self._names = {name: [column.name for column in table.columns] for name, table in _TABLES.items()}
        self._inserts = {name: _insert(name, columns, dialect) for name, columns in self._names.items()}
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

    def known_identities(self, connection: Connection, identities: Iterable[str], low: int = 0, high: int = MAX_ID) -> dict[str, int]:
        """`low` and `high`: between which ids they would stand, so that no other partition is looked into."""
        values = [self._digest.process_bind_param(value, self._dialect) for value in identities]
        return self._identities(connection, "identity", values, low, high)

    def identities_of(self, connection: Connection, ids: Sequence[int]) -> dict[str, int]:
        return self._identities(connection, "id", ids, 0, MAX_ID)

    def marked(self, connection: Connection, ids: Sequence[int]) -> set[int]:
        """Those that are marked as late already."""
        marks = ", ".join([self._mark] * len(ids))
        query = f"SELECT mail_id FROM late_mail WHERE mail_id IN ({marks})"  # noqa: S608 - our names
        return {mail_id for (mail_id,) in connection.exec_driver_sql(query, tuple(ids))}

    def _identities(self, connection: Connection, column: str, values: Sequence[Any], low: int, high: int) -> dict[str, int]:
        marks = ", ".join([self._mark] * len(values))
        within = f"id BETWEEN {self._mark} AND {self._mark}"
        query = f"SELECT id, identity FROM mail WHERE {column} IN ({marks}) AND {within}"  # noqa: S608 - our names
        found = connection.exec_driver_sql(query, (*values, low, high))
        return {bytes(identity).hex(): mail_id for mail_id, identity in found}


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], of_all: Mapping[str, Any]) -> None:
    """Rows of the same columns, and what all of them have in common."""
    dialect, names = connection.dialect, list(rows[0])
    binders = dict(_binders(table, dialect))
    columns = [[row[name] for row in rows] for name in names]
    bound = [map(binders[name], column) if name in binders else column for name, column in zip(names, columns, strict=True)]
    common = [binders[name](value) if name in binders else value for name, value in of_all.items()]
    connection.exec_driver_sql(_insert(table.name, [*names, *of_all], dialect), list(zip(*bound, *map(repeat, common), strict=False)))


def _insert(table: str, columns: Sequence[str], dialect: Dialect) -> str:
    """Of our own names only."""
    quote = dialect.identifier_preparer.quote
    marks = ", ".join([_mark(dialect)] * len(columns))
    return f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) VALUES ({marks})"  # noqa: S608


def _mark(dialect: Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"


def _binders(table: Table, dialect: Dialect) -> list[tuple[str, Any]]:
    """Only the columns whose type changes a value on its way in."""
    found = [(column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in table.columns]
    return [(name, bind) for name, bind in found if bind]


@functools.lru_cache(maxsize=16)
def statements_for(dialect: Dialect) -> Statements:
    return Statements(dialect)
