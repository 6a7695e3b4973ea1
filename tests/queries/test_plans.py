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


def plans_of(app: Flask, client: FlaskClient, path: str, tables: tuple[str, ...] = ("mail",)) -> list[tuple[str, dict[str, Any]]]:
    """(statement, row of its EXPLAIN) for each statement on the mail tables that the request runs."""
    asked: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "SELECT" in statement and any(f"FROM {table}" in statement for table in tables):
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


# Each mail was released and asked for, and one run on many mails is told of in as many rows.
_ACTED = (
    """INSERT INTO mail_release (mail_id, address, number, target, mode, state, node, due_at, attempts, reply, asked_at, asked_by,
    on_behalf_of) SELECT mail_id, address, 1, address, 'as_it_was', 'sent', 'mx1', NOW(), 1, '', NOW(), 'admin', ''
    FROM mail_recipient WHERE position = 0""",
    """INSERT INTO mail_request (mail_id, asks, address, domain, state, user_id, asked_by, asked_at, comment, decided_by, words)
    SELECT mail_id, 'release', address, domain, IF(mail_id % 50, 'denied', 'open'), 1 + mail_id % 5, 'bob', NOW(), '', '', ''
    FROM mail_recipient WHERE position = 0""",
    """INSERT INTO bulk_run (id, token, act, options, ids, search, zone, language, user_id, roles, asked_by, on_behalf_of, ip, state, words,
    total, is_exact, done, skipped, failed, undone, upto, claimed_until, tries, asked_at) VALUES (1, '1', 'release', '[]', '', '[]', 'UTC',
    'en', 1, '[]', 'admin', '', '', 'done', '', 5, 1, 5, 0, 0, 0, 1, NOW(), 0, NOW())""",
    """INSERT INTO bulk_result (run_id, mail_id, kind, words, `undo`, until)
    SELECT 1, id, IF(id % 100, 'waiting', 'failed'), '', '[1]', NOW() + INTERVAL 1 DAY FROM mail""",
    "ANALYZE TABLE mail_release, mail_request, bulk_run, bulk_result",
)
ACT_PAGES = ("/mails/show/{mail}", "/mails/{mail}/timeline", "/mails/{mail}/releases", "/requests/", "/requests/?show=decided", "/bulk/1")


@pytest.fixture(scope="module")
def acted(app: Flask) -> Flask:
    app.config["SMTP_URL"], app.config["MAIL_FROM"] = "smtp://127.0.0.1:9", "mailkeep@example.com"  # else nothing is offered
    with app.app_context(), db.engine.connect() as connection:
        for statement in _ACTED:
            connection.exec_driver_sql(statement.replace("%", "%%"))
        connection.commit()
    return app


@pytest.mark.parametrize("path", ACT_PAGES)
def test_what_was_done_to_many_mails_makes_no_screen_slower(
    acted: Flask, clients: dict[str, FlaskClient], spot: dict[str, Any], path: str
) -> None:
    plans = plans_of(acted, clients["admin"], path.format(**spot), ("mail", "bulk", "audit_event"))
    assert plans
    assert whole_tables(plans) == []
    assert [described(*plan) for plan in plans if plan[1]["table"] == "bulk_result" and plan[1]["key"] != "ix_bulk_result_kind"] == []
