"""Whose own an address is: the same on each database, and no statement reads all accounts."""

import re

from flask import Flask
from sqlalchemy import event, insert, text, update

from app.clock import stored_now
from app.extensions import db
from app.models import UserAddress
from app.models.people import User
from app.queries.accounts import accounts_by, accounts_of
from app.queries.bounded import Deadline
from app.queries.notice_choices import account_of
from app.queries.settings import choices_at
from tests.make import make_user

MAIN = {
    "bob": "bob@example.com",
    "jon": "Jon@Example.COM",
    "capital": "JON@example.com",
    "jose": "josé@example.com",
    "emile": "ÉMILE@example.com",
    "blank": " blank@example.com ",
    "oe": "zoe@example.com",
}
FURTHER = {"bob": "info@example.com", "oe": "info@example.com"}


def put(app: Flask) -> dict[str, int]:
    for name in MAIN:
        make_user(app, name, "Recipient")
    with app.app_context():
        for name, address in MAIN.items():
            if db.engine.dialect.name != "mysql" or name != "capital":  # it takes the two for one
                db.session.execute(update(User).where(User.username == name).values(email=address))
        numbers = {user.username: user.id for user in db.session.query(User)}
        for name, address in FURTHER.items():
            db.session.add(UserAddress(user_id=numbers[name], address=address, source="admin", created_at=stored_now()))
        db.session.commit()
    return numbers


def test_case_accents_and_blanks_are_the_same_everywhere(any_app: Flask) -> None:
    numbers = put(any_app)
    asked = ("bob@example.com", "jon@example.com", "josé@example.com", "émile@example.com", "blank@example.com", "info@example.com")
    alike = ("jose@example.com", "emile@example.com", "zoë@example.com", "bob@example.co", "ob@example.com", "b%@example.com")
    with any_app.app_context():
        both = ("jon",) if db.engine.dialect.name == "mysql" else ("jon", "capital")
        named = (("bob",), both, ("jose",), ("emile",), ("blank",), ("bob", "oe"))
        expected = {address: frozenset(numbers[name] for name in names) for address, names in zip(asked, named, strict=True)}
        assert accounts_of((*asked, *alike)) == expected
        with db.engine.connect() as connection:
            assert accounts_by(connection, (*asked, *alike), Deadline(5)) == expected
        assert [account_of(address) for address in (*asked, *alike)] == ["bob", "jon", "jose", "emile", "blank", "bob", *[""] * 6]


def test_no_statement_reads_all_accounts(any_app: Flask) -> None:
    make_user(any_app, "bob", "Recipient")
    with any_app.app_context():
        fields = {"first_name": "P", "last_name": "Q", "active": True}
        db.session.execute(insert(User), [fields | {"username": f"p{n}", "email": f"p{n}@example.com"} for n in range(2000)])
        first = db.session.query(User).first().id
        row = {"user_id": first, "source": "admin", "created_at": stored_now()}
        db.session.execute(insert(UserAddress), [row | {"address": f"a{n}@example.net"} for n in range(2000)])
        dialect = db.engine.dialect.name
        for table in ("ab_user", "user_address"):
            db.session.execute(text(f"{'ANALYZE TABLE' if dialect == 'mysql' else 'ANALYZE'} {table}"))
        db.session.commit()
        accounts_of(["bob@example.com"])  # those with capitals are known for some seconds
        plans: list[str] = []

        def listen(connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
            if "EXPLAIN" not in statement and "ab_user" in statement:
                asked = statement.removeprefix("SET STATEMENT").partition(" FOR ")[2] if statement.startswith("SET") else statement
                rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if dialect == 'sqlite' else ''}{asked}", parameters)  # type: ignore[attr-defined]
                plans.extend(str(dict(row._mapping)) for row in rows)

        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            assert account_of("p7@example.com") == "p7"
            assert choices_at("a7@example.net") is not None
            with db.engine.connect() as connection:
                found = accounts_by(connection, [f"p{n}@example.com" for n in range(4)] + ["a3@example.net"], Deadline(5))
            assert len(found) == 5
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)
    whole = {
        "sqlite": r"SCAN (ab_user|user_address)",
        "postgresql": r"Seq Scan on (ab_user|user_address)",
        "mysql": r"'type': '(ALL|index)'",
    }
    bad = [plan for plan in plans if re.search(whole[dialect], plan)]
    assert len(plans) > 5
    assert "\n".join(bad) == ""
