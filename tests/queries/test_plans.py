"""What MariaDB does for the screens and the indexed searches: no sort of files, no temporary table, no table read from end to end."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.actor import SYSTEM
from app.extensions import db
from app.services.domains import add_alias
from bench.million import fill
from bench.pages import clients_of, facts_of, spots_of
from bench.screens import ANY, PAGES, Page
from tests.apps import close, make_app
from tests.databases import driver_url
from tests.databases import fill as deploy
from tests.make import login, make_mails
from tests.servers.mariadb import MariaDB

MAILS = 20_000
INDEXED_PAGES = [page for page in PAGES if page.aim != ANY]
OTHER_SEARCHES = [page for page in PAGES if page.aim == ANY and "/list/" in page.path]
NEWER = [replace(page, path=f"{page.path}&after={{cursor}}") for page in INDEXED_PAGES if page.can_go_deep and "before=" not in page.path]


@pytest.fixture(scope="module")
def app(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder: pathlib.Path = tmp_path_factory.mktemp("plans")
    url = mariadb.create("plans")
    deploy(url, folder)
    app = make_app(driver_url(url), folder, WTF_CSRF_ENABLED=False)
    fill(app, MAILS)
    yield app
    close(app)
    mariadb.drop("plans")


@pytest.fixture(scope="module")
def spot(app: Flask) -> dict[str, Any]:
    """A place in the middle of the log."""
    return spots_of(app, facts_of(app), 1)[0]


@pytest.fixture(scope="module")
def clients(app: Flask, spot: dict[str, Any]) -> dict[str, FlaskClient]:
    """An admin, and the recipients with the most and with the least mail."""
    return clients_of(app, spot)


def plans_of(app: Flask, client: FlaskClient, path: str) -> list[tuple[str, dict[str, Any]]]:
    """(statement, row of its EXPLAIN) for each statement on the mail tables that the request runs."""
    asked: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM mail" in statement and "SELECT" in statement:
            asked.append((statement.partition(" FOR ")[2] if statement.startswith("SET STATEMENT") else statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    with engine.connect() as connection:
        return [
            (statement, dict(row._mapping))
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        ]


def faults(plans: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Reading a subquery of ours that is bounded by its own LIMIT is no reading of a table; nor does a count up to a LIMIT that takes
    each mail once keep more than so many of them."""
    found = whole_tables(plans)
    for statement, row in plans:
        extra = row["Extra"] or ""
        bounded = "SELECT DISTINCT mail_recipient.mail_id" in statement and "LIMIT" in statement
        if "filesort" in extra or ("temporary" in extra and not is_derived(row) and not bounded):
            found.append(described(statement, row))
    return found


def whole_tables(plans: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [
        described(statement, row)
        for statement, row in plans
        if not is_derived(row) and (row["type"] == "ALL" or (row["type"] == "index" and "LIMIT" not in statement))
    ]


def is_derived(row: dict[str, Any]) -> bool:
    return str(row["table"]).startswith("<")


def described(statement: str, row: dict[str, Any]) -> str:
    return f"{row['table']} {row['type']} {row['key']} {row['Extra']}: {' '.join(statement.split())[:300]}"


def ids(pages: list[Page]) -> list[str]:
    return [page.name for page in pages]


@pytest.mark.parametrize("page", INDEXED_PAGES, ids=ids(INDEXED_PAGES))
def test_an_indexed_screen_sorts_nothing_and_reads_no_table_whole(
    app: Flask, clients: dict[str, FlaskClient], spot: dict[str, Any], page: Page
) -> None:
    plans = plans_of(app, clients[page.who], page.path.format(**spot))
    assert plans
    assert faults(plans) == []


@pytest.mark.parametrize("page", NEWER, ids=ids(NEWER))
def test_nor_does_one_that_goes_towards_now(app: Flask, clients: dict[str, FlaskClient], spot: dict[str, Any], page: Page) -> None:
    plans = plans_of(app, clients[page.who], page.path.format(**spot))
    assert plans
    assert faults(plans) == []


@pytest.mark.parametrize("page", OTHER_SEARCHES, ids=ids(OTHER_SEARCHES))
def test_a_search_without_an_index_goes_through_the_mails_in_pieces(
    app: Flask, clients: dict[str, FlaskClient], spot: dict[str, Any], page: Page
) -> None:
    """A piece may be sorted: it is small."""
    plans = plans_of(app, clients[page.who], page.path.format(**spot))
    assert plans
    assert whole_tables(plans) == []


def test_nor_does_one_of_somebody_with_tags_and_another_name_of_the_domain(app: Flask) -> None:
    client = login(app, "walter", role="Recipient")
    make_mails(app, 30, recipients=("walter+shop@example.com", "walter+news@example.com"))
    make_mails(app, 30, recipients=("walter@alias.example",), keep=True)
    with app.app_context():
        add_alias("alias.example", "example.com", actor=SYSTEM)
    for path in ("/mails/list/", "/mails/list/?stored.is=yes", "/quarantine/"):
        plans = plans_of(app, client, path)
        assert any("mail_recipient.base" in statement for statement, _ in plans)
        assert faults(plans) == []


def test_a_fault_would_be_seen(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        for statement in (
            "SELECT id FROM mail WHERE subject LIKE '%x%' ORDER BY size",
            "SELECT * FROM mail WHERE size > 5",
            "SELECT node, COUNT(*) FROM mail GROUP BY node",
        ):
            rows = [(statement, dict(row._mapping)) for row in connection.exec_driver_sql(f"EXPLAIN {statement}".replace("%", "%%"))]
            assert faults(rows), statement
