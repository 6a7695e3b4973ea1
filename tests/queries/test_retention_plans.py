"""Retention's statements: none reads a table of mails from end to end, on any of the three databases."""

import dataclasses
import re
from datetime import timedelta

from flask import Flask
from sqlalchemy import Connection, event, text

from app.clock import utcnow
from app.extensions import db
from app.ids import id_at
from app.services import retention
from app.services.insert import insert_entries
from tests.make import make_entry
from tests.retention import Told, old


def test_no_statement_of_a_batch_reads_a_table_from_end_to_end(any_app: Flask) -> None:
    """However long the log is."""
    entries = [
        dataclasses.replace(make_entry(keep=number % 2 == 0), id=id_at(utcnow() - timedelta(days=9), 1, number)) for number in range(4000)
    ]
    with any_app.app_context():
        insert_entries(db.engine, entries, "mx1")
        dialect = db.engine.dialect.name
        for table in ("mail", "mail_detail", "mail_recipient") if dialect != "sqlite" else ():
            db.session.execute(text(f"{'ANALYZE TABLE' if dialect != 'postgresql' else 'ANALYZE'} {table}"))
        db.session.commit()
    for _ in range(3):
        old(any_app, 400), old(any_app, 200)
    plans: list[str] = []

    def listen(connection: Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if re.search(r"(FROM|UPDATE) mail(_detail|_recipient)?\b", statement) and "EXPLAIN" not in statement:
            rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if dialect == 'sqlite' else ''}{statement}", parameters)
            plans.extend(f"{statement} | {dict(row._mapping)}" for row in rows)

    with any_app.app_context():
        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            retention.run(Told())
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)
    whole = {
        "sqlite": r"'SCAN mail(_detail|_recipient)?\b",
        "postgresql": r"Seq Scan on mail(_detail|_recipient)?\b",
        "mysql": r"'type': '(ALL|index)'",
    }
    bad = re.compile(whole.get(dialect, whole["mysql"]))
    assert len(plans) > 10
    assert [plan for plan in plans if bad.search(plan)] == []
