"""Server time of every screen and of many searches on the million (bench/million.py): `make bench-pages`.

Each of bench/screens.py is asked several times through the application in this process, each time at another place of the log.
The table has the median and the worst, what the database did at most, and how many rounds ended with "searched back to".
The last column is the aim in milliseconds. Where others keep the machine busy, the wall's figures are theirs as much as ours:
the load is printed, and the processor's time of this process and of MariaDB beside the wall's.
"""

import argparse
import os
import pathlib
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app.extensions import db
from app.models import CopyState, Mail, MailRecipient
from app.queries.visibility import is_admin
from app.services.permissions import sync_permissions
from bench.million import app_on
from bench.screens import PAGES, Page
from bench.server import KeptMariaDB
from tests.make import PASSWORD, login

_PARTIAL = ("Time was up", '"searched_to":"', '"searched_to": "')
_HEADER = f"{'ms':40}{'median':>8}{'worst':>8}{'our CPU':>8}{'its CPU':>8}{'SQL':>5}{'in all':>8}{'slowest':>8}{'rows':>6} {'':9}{'aim':>6}"


@dataclass(slots=True)
class Watch:
    """The statements of one request."""

    times: list[tuple[float, str]] = field(default_factory=list)
    started: float = 0.0

    def install(self) -> None:
        @event.listens_for(db.engine, "before_cursor_execute")
        def _before(*_: Any) -> None:
            self.started = time.perf_counter()

        @event.listens_for(db.engine, "after_cursor_execute")
        def _after(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.times.append(((time.perf_counter() - self.started) * 1000, statement))


@dataclass(slots=True)
class Measured:
    """What one page took, round by round."""

    page: Page
    took: list[float] = field(default_factory=list)
    our_cpu: float = 0.0
    database_cpu: float = 0.0
    """On the average, for the kernel counts it in steps of 10 ms."""
    statements: int = 0
    in_database: float = 0.0
    slowest: float = 0.0
    rows: int = 0
    partial: int = 0
    failed: int = 0

    def add(self, status: int, text: str, times: list[float]) -> None:
        """The worst of the rounds is kept."""
        self.statements = max(self.statements, len(times))
        self.in_database = max(self.in_database, sum(times))
        self.slowest = max(self.slowest, max(times, default=0.0))
        self.rows = max(self.rows, text.count("data-id=") or text.count('"id":'))
        self.partial += any(mark in text for mark in _PARTIAL)
        self.failed += status != 200

    @property
    def is_over(self) -> bool:
        return statistics.median(self.took) > self.page.aim

    def line(self) -> str:
        rounds = len(self.took)
        state = f"{self.failed} failed" if self.failed else f"{self.partial}/{rounds} part" if self.partial else ""
        verdict = "  <-- over" if self.is_over else "  <-- worst" if max(self.took) > self.page.aim else ""
        return (
            f"{self.page.name:40}{statistics.median(self.took):8.1f}{max(self.took):8.1f}"
            f"{self.our_cpu:8.1f}{self.database_cpu:8.1f}{self.statements:5}{self.in_database:8.1f}"
            f"{self.slowest:8.1f}{self.rows:6} {state:9}{self.page.aim:6}{verdict}"
        )


def facts_of(app: Flask) -> dict[str, Any]:
    with app.app_context():
        top = select(Mail.mail_from).where(Mail.mail_from != "").group_by(Mail.mail_from).order_by(func.count().desc()).limit(1)
        sender = db.session.scalar(top) or ""
        people = select(MailRecipient.address).group_by(MailRecipient.address).order_by(func.count().desc())
        addresses = db.session.scalars(people).all()
        return {
            "newest": db.session.scalar(select(func.max(Mail.id))),
            "sender": sender,
            "domain": sender.partition("@")[2],
            "busy": addresses[0],
            "busy_domain": addresses[0].partition("@")[2],
            "quiet": addresses[-1],
        }


def spots_of(app: Flask, facts: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The facts, and so many different places in the log to begin at."""
    with app.app_context():
        first = db.session.scalar(select(func.min(Mail.id))) or 0
        step = (facts["newest"] - first) // (count + 1)
        return [facts | _spot(facts["busy"], first + step * number) for number in range(1, count + 1)]


def _spot(busy: str, start: int) -> dict[str, Any]:
    some = db.session.scalars(select(Mail).where(Mail.id >= start, Mail.copy_state == CopyState.STORED).order_by(Mail.id).limit(1)).one()
    own = select(func.min(MailRecipient.mail_id)).where(MailRecipient.address == busy, MailRecipient.mail_id >= start)
    return {
        "cursor": some.id,
        "mail": some.id,
        "own": db.session.scalar(own),
        "day": some.received_at.date().isoformat(),
        "ip": some.ip,
        "queue_id": some.queue_id,
        "message_id": some.message_id,
    }


def clients_of(app: Flask, facts: dict[str, Any]) -> dict[str, FlaskClient]:
    with app.app_context():
        sync_permissions()
        sm = app.extensions["appbuilder"].sm
        for user in list(sm.get_all_users()):
            db.session.delete(user)
        db.session.commit()
        if not sm.find_role("Reader"):
            role = sm.add_role("Reader")
            for view, permission in (("MailLogView", "can_list"), ("MailLogView", "can_show"), ("QuarantineView", "can_list")):
                sm.add_permission_role(role, sm.find_permission_view_menu(permission, view))
    clients = {"admin": login(app, "admin")}
    for who in ("busy", "quiet"):
        with app.app_context():
            sm = app.extensions["appbuilder"].sm
            assert not is_admin(sm.add_user(who, who, "Reader", facts[who], sm.find_role("Reader"), PASSWORD))
            db.session.remove()
        clients[who] = app.test_client()
        assert clients[who].post("/login/", data={"username": who, "password": PASSWORD}).status_code == 302
    return clients


def measure(client: FlaskClient, page: Page, spots: list[dict[str, Any]], watch: Watch, server: KeptMariaDB) -> Measured:
    """The first place warms up and does not count."""
    measured = Measured(page)
    client.get(page.path.format(**spots[0]))
    ours, its = time.process_time(), server.cpu_seconds()
    for spot in spots[1:]:
        watch.times.clear()
        started = time.perf_counter()
        answer = client.get(page.path.format(**spot))
        text = answer.get_data(as_text=True)
        measured.took.append((time.perf_counter() - started) * 1000)
        measured.add(answer.status_code, text, [spent for spent, _ in watch.times])
    measured.our_cpu = (time.process_time() - ours) * 1000 / len(measured.took)
    measured.database_cpu = (server.cpu_seconds() - its) * 1000 / len(measured.took)
    return measured


def report(done: list[Measured], rounds: int) -> None:
    over = sum(each.is_over for each in done)
    worst = sum(max(each.took) > each.page.aim for each in done)
    print(f"{len(done)} pages, {rounds} rounds: the median of {over} is over its aim, the worst of {worst}")
    print_load()


def print_load() -> None:
    print(f"load of the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("var/bench"))
    parser.add_argument("--pool", default="2G", help="MariaDB's buffer pool")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    given = parser.parse_args()
    with KeptMariaDB(given.folder, given.pool) as server:
        app = app_on(server, given.mails, WTF_CSRF_ENABLED=False)
        facts = facts_of(app)
        spots = spots_of(app, facts, given.rounds + 1)
        clients = clients_of(app, facts)
        watch = Watch()
        with app.app_context():
            watch.install()
        print_load()
        print(_HEADER)
        done = []
        for page in PAGES:
            if given.only in page.name:
                done.append(measure(clients[page.who], page, spots, watch, server))
                print(done[-1].line(), flush=True)
        report(done, given.rounds)


if __name__ == "__main__":
    main()
