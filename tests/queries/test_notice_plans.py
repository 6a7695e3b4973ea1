"""The statements of letters: none reads a table that grows from end to end, on any of the three databases."""

import pathlib
import re
import secrets
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, event, insert, text

from app.clock import stored_now, utcnow
from app.extensions import db
from app.ids import first_id_at
from app.models import Notice, NoticeDue, NoticeLine, UserAddress
from app.models.people import User
from app.services import notice_leftovers
from app.services.insert import insert_entries
from tests.apps import close
from tests.make import make_entry
from tests.notices import ruled, telling_app, told
from tests.servers.relay import Relay

_GROWING = "mail|mail_recipient|notice|notice_line|notice_due|ab_user|user_address"

# Asked for every few seconds and of accounts alone; and the first few in the order of the primary key.
_BOUNDED = ("!= ab_user.email", "length(", "FROM notice ORDER BY notice.id")


@pytest.fixture
def app(database: str, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = telling_app(database, tmp_path, relay.url)
    yield app
    close(app)


def _grown(app: Flask) -> None:
    """Letters and lines of long ago, people, and mails that nobody is told of."""
    with app.app_context():
        insert_entries(db.engine, [make_entry(keep=number % 1000 == 0) for number in range(3000)], "mx1")
        users = [
            {"first_name": "P", "last_name": "Q", "username": f"p{n}", "email": f"p{n}@example.com", "active": True} for n in range(2000)
        ]
        db.session.execute(insert(User), users)
        rows = [{"user_id": 1, "address": f"a{n}@example.net", "source": "admin", "created_at": stored_now()} for n in range(2000)]
        first = db.session.query(User.id).first()
        db.session.execute(insert(UserAddress), [row | {"user_id": first[0]} for row in rows])  # type: ignore[index]
        today = first_id_at(utcnow())
        values = {
            "kind": "digest",
            "address": "x@y.z",
            "mails": 1,
            "made_at": stored_now(),
            "state": "sent",
            "tries": 1,
            "revoked_by": "",
            "answer": "",
        }
        states = ("sent", "failed", "empty", "unknown")
        letters = [values | {"state": states[n % 4], "owner": f"user:{n}", "secret": secrets.token_hex(16)} for n in range(3000)]
        db.session.execute(insert(Notice), letters)
        db.session.execute(
            insert(NoticeLine), [{"mail_id": today + n, "owner": f"user:{n}", "address": "x@y.z", "notice_id": 1} for n in range(1, 3000)]
        )
        db.session.execute(
            insert(NoticeDue), [{"owner": f"user:{n}", "due_at": stored_now().replace(year=2100)} for n in range(5000, 8000)]
        )
        db.session.commit()
        dialect = db.engine.dialect.name
        for table in _GROWING.split("|"):
            db.session.execute(text(f"{'ANALYZE TABLE' if dialect == 'mysql' else 'ANALYZE'} {table}"))
        db.session.commit()


def test_no_statement_reads_a_table_from_end_to_end(app: Flask) -> None:
    _grown(app)
    ruled(app, "example.com", everybody=True, times="hourly", watchers="watch@example.net")
    plans: list[str] = []

    def listen(connection: Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if re.search(rf"(FROM|UPDATE) ({_GROWING})\b", statement) and "EXPLAIN" not in statement:
            rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if dialect == 'sqlite' else ''}{statement}", parameters)
            plans.extend(f"{statement} | {dict(row._mapping)}" for row in rows)

    with app.app_context():
        engine, dialect = db.engine, db.engine.dialect.name
        insert_entries(db.engine, [make_entry(keep=True, recipients=(f"p{n}@example.com", "b+c@example.com")) for n in range(4)], "mx1")
    event.listen(engine, "before_cursor_execute", listen)
    try:
        told(app)
        later_due(app)
        told(app)
        with app.app_context():
            notice_leftovers.end_begun()
            notice_leftovers.forget_old()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    whole = {
        "sqlite": rf"'SCAN ({_GROWING})\b(?! USING)",
        "postgresql": rf"Seq Scan on ({_GROWING})\b",
        "mysql": r"'type': '(ALL|index)'",
    }
    bad = [plan for plan in plans if re.search(whole[dialect], plan) and not any(word in plan for word in _BOUNDED)]
    assert len(plans) > 30
    assert "\n\n".join(bad) == ""


def later_due(app: Flask) -> None:
    with app.app_context():
        db.session.query(NoticeDue).filter(NoticeDue.due_at < stored_now().replace(year=2099)).update({"due_at": stored_now()})
        db.session.commit()
