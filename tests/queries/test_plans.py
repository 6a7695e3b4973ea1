"""What MariaDB does for the screens and the indexed searches: no sort of files, no temporary table, no table read from end to end."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app.extensions import db
from app.models import Mail, MailRecipient
from bench.million import fill
from tests.apps import close, make_app
from tests.databases import driver_url
from tests.databases import fill as deploy
from tests.make import login
from tests.servers.mariadb import MariaDB

MAILS = 20_000
SEARCHES = (
    "/mails/list/",
    "/mails/list/?before={middle}",
    "/mails/list/?after={middle}",
    "/mails/list/?time.on={day}",
    "/mails/list/?stored.is=yes&time.on={day}",
    "/mails/list/?stored.is=yes",
    "/mails/list/?sender.is={sender}",
    "/mails/list/?sender.is={sender}&before={middle}",
    "/mails/list/?sender.is={sender}&after={middle}",
    "/mails/list/?sender_domain.is={domain}",
    "/mails/list/?from.is={sender}",
    "/mails/list/?from_domain.is={domain}&before={middle}",
    "/mails/list/?rcpt.is={busy}",
    "/mails/list/?rcpt.is={busy}&before={middle}",
    "/mails/list/?ip.is={ip}",
    "/mails/list/?ip.is={ip}/24",
    "/mails/list/?action.is=reject",
    "/mails/list/?action.is=reject&before={middle}",
    "/mails/list/?virus.is=yes",
    "/mails/list/?released.is=yes",
    "/mails/list/?user.is=user0",
    "/mails/list/?queue_id.is={queue_id}",
    "/mails/list/?message_id.is={message_id}",
    "/mails/list/?sender.starts=sender1",
    "/mails/list/?score.ge=36",
    "/mails/newer?after={middle}",
    "/quarantine/",
    "/api/v1/mail/?before={middle}",
    "/mails/show/{middle}",
)


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
def facts(app: Flask) -> dict[str, Any]:
    with app.app_context():
        newest = db.session.scalar(select(func.max(Mail.id)))
        middle = db.session.scalars(select(Mail.id).order_by(Mail.id).limit(MAILS // 2)).all()[-1]
        some = db.session.get_one(Mail, middle)
        busiest = select(Mail.mail_from).where(Mail.mail_from != "").group_by(Mail.mail_from).order_by(func.count().desc()).limit(1)
        sender = db.session.scalar(busiest) or ""
        most = select(MailRecipient.address).group_by(MailRecipient.address).order_by(func.count().desc()).limit(1)
        return {
            "newest": newest,
            "middle": middle,
            "day": some.received_at.date().isoformat(),
            "sender": sender,
            "domain": sender.partition("@")[2],
            "busy": db.session.scalar(most),
            "ip": some.ip,
            "queue_id": some.queue_id,
            "message_id": some.message_id,
        }


@pytest.fixture(scope="module")
def admin(app: Flask) -> FlaskClient:
    return login(app, "admin")


@pytest.fixture(scope="module")
def reader(app: Flask, admin: FlaskClient, facts: dict[str, Any]) -> FlaskClient:
    """The recipient with the most mail."""
    client = login(app, "reader", role="Recipient")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        user = sm.find_user("reader")
        user.email = facts["busy"]
        db.session.commit()
    return client


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
    """Reading a subquery of ours that is bounded by its own LIMIT is no reading of a table."""
    found = []
    for statement, row in plans:
        extra = row["Extra"] or ""
        derived = str(row["table"]).startswith("<")
        whole = row["type"] in ("ALL", "index") and not derived and "LIMIT" not in statement
        if "filesort" in extra or ("temporary" in extra and not derived) or whole or (row["type"] == "ALL" and not derived):
            found.append(f"{row['table']} {row['type']} {row['key']} {extra}: {' '.join(statement.split())[:300]}")
    return found


@pytest.mark.parametrize("path", SEARCHES)
def test_an_indexed_screen_sorts_nothing_and_reads_no_table_whole(app: Flask, admin: FlaskClient, facts: dict[str, Any], path: str) -> None:
    plans = plans_of(app, admin, path.format(**facts))
    assert plans
    assert faults(plans) == []


@pytest.mark.parametrize(
    "path", ["/mails/list/", "/mails/list/?before={middle}", "/mails/list/?stored.is=yes", "/quarantine/", "/mails/show/{own}"]
)
def test_nor_does_a_recipients_own_screen(app: Flask, reader: FlaskClient, facts: dict[str, Any], path: str) -> None:
    with app.app_context():
        own = db.session.scalar(select(func.max(MailRecipient.mail_id)).where(MailRecipient.address == facts["busy"]))
    plans = plans_of(app, reader, path.format(own=own, **facts))
    assert plans
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
