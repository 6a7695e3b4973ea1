"""Server time of every screen and of many searches on the million (bench/million.py): `make bench-pages`.

Each is asked several times through the application in this process; the table has the median and the worst, what the database
did for it, and whether the answer was whole or "searched back to". The last column is the aim in milliseconds.
"""

import argparse
import pathlib
import statistics
import time
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app.extensions import db
from app.models import Mail, MailRecipient
from app.queries.visibility import is_admin
from app.security.roles import sync_permissions
from bench.million import app_on
from bench.server import KeptMariaDB
from tests.make import PASSWORD, login

SCREEN, INDEXED, ANY = 40, 60, 2000


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    path: str
    aim: int
    who: str = "admin"


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


# Deep pages begin in the middle of the log.
PAGES = (
    Page("list", "/mails/list/", SCREEN),
    Page("list, 500,000 mails back", "/mails/list/?before={middle}", SCREEN),
    Page("list, newer from there", "/mails/list/?after={middle}", SCREEN),
    Page("today", "/mails/list/?time.on=today", SCREEN),
    Page("a day of last month", "/mails/list/?time.on={day}", SCREEN),
    Page("one mail", "/mails/show/{middle}", SCREEN),
    Page("quarantine days", "/quarantine/", SCREEN),
    Page("a day's stored mails", "/mails/list/?stored.is=yes&time.on={day}", SCREEN),
    Page("new rows (poll)", "/mails/newer?after={newest}", SCREEN),
    Page("API list", "/api/v1/mail/", SCREEN),
    Page("busiest recipient's list", "/mails/list/", SCREEN, "busy"),
    Page("busiest recipient, deep", "/mails/list/?before={middle}", SCREEN, "busy"),
    Page("busiest recipient's quarantine days", "/quarantine/", SCREEN, "busy"),
    Page("busiest recipient, stored", "/mails/list/?stored.is=yes", INDEXED, "busy"),
    Page("busiest recipient, subject contains", "/mails/list/?subject.contains=invoice", ANY, "busy"),
    Page("quiet recipient's list", "/mails/list/", SCREEN, "quiet"),
    Page("sender is (busy)", "/mails/list/?sender.is={sender}", INDEXED),
    Page("sender is (busy), deep", "/mails/list/?sender.is={sender}&before={middle}", INDEXED),
    Page("sender is (nobody)", "/mails/list/?sender.is=nobody@nowhere.example", INDEXED),
    Page("sender starts with", "/mails/list/?sender.starts=sender999", INDEXED),
    Page("sender domain is", "/mails/list/?sender_domain.is={domain}", INDEXED),
    Page("header From domain is, deep", "/mails/list/?from_domain.is={domain}&before={middle}", INDEXED),
    Page("recipient is (busy)", "/mails/list/?rcpt.is={busy}", INDEXED),
    Page("recipient domain is", "/mails/list/?rcpt_domain.is={busy_domain}", INDEXED),
    Page("IP is", "/mails/list/?ip.is={ip}", INDEXED),
    Page("network /24", "/mails/list/?ip.is={ip}/24", INDEXED),
    Page("network /8", "/mails/list/?ip.is=192.0.0.0/8", INDEXED),
    Page("action is reject", "/mails/list/?action.is=reject", INDEXED),
    Page("action is discard, deep", "/mails/list/?action.is=discard&before={middle}", INDEXED),
    Page("score at least 36.5 (rare)", "/mails/list/?score.ge=36.5", INDEXED),
    Page("score at least 5 (common)", "/mails/list/?score.ge=5", INDEXED),
    Page("virus", "/mails/list/?virus.is=yes", INDEXED),
    Page("released", "/mails/list/?released.is=yes", INDEXED),
    Page("queue id", "/mails/list/?queue_id.is={queue_id}", INDEXED),
    Page("message id", "/mails/list/?message_id.is={message_id}", INDEXED),
    Page("user is", "/mails/list/?user.is=user0", INDEXED),
    Page("quick: an address", "/mails/list/?q={sender}", INDEXED),
    Page("quick: a domain", "/mails/list/?q={domain}", INDEXED),
    Page("sender and recipient", "/mails/list/?sender.is={sender}&rcpt.is={busy}", ANY),
    Page("reject and domain and a month", "/mails/list/?action.is=reject&sender_domain.is={domain}&time.ge={day}", ANY),
    Page("subject contains (common)", "/mails/list/?subject.contains=invoice", ANY),
    Page("subject contains (rare)", "/mails/list/?subject.contains=no+such+words", ANY),
    Page("subject lacks", "/mails/list/?subject.lacks=invoice", ANY),
    Page("size at least 4 MB", "/mails/list/?size.ge=4M", ANY),
    Page("symbol", "/mails/list/?symbol.is=PHISHING", ANY),
    Page("symbol (nowhere)", "/mails/list/?symbol.is=NO_SUCH_SYMBOL", ANY),
    Page("symbol, score at least 4.9", "/mails/list/?symbol.ge=PHISHING+4.9", ANY),
    Page("headers contain (nowhere)", "/mails/list/?headers.contains=no-such-header", ANY),
    Page("headers contain, of a sender", "/mails/list/?headers.contains=X-Token&sender.is={sender}", ANY),
    Page("header To contains", "/mails/list/?to.contains=user29", ANY),
    Page("statistics of all", "/mails/statistics", ANY),
    Page("statistics of a sender", "/mails/statistics?sender.is={sender}", ANY),
    Page("statistics of a recipient", "/mails/statistics", ANY, "busy"),
)


def facts_of(app: Flask) -> dict[str, Any]:
    with app.app_context():
        first, newest = db.session.execute(select(func.min(Mail.id), func.max(Mail.id))).one()
        middle = db.session.scalar(select(func.min(Mail.id)).where(Mail.id >= (first + newest) // 2))
        some = db.session.get_one(Mail, middle)
        top = select(Mail.mail_from).where(Mail.mail_from != "").group_by(Mail.mail_from).order_by(func.count().desc()).limit(1)
        sender = db.session.scalar(top) or ""
        people = select(MailRecipient.address).group_by(MailRecipient.address).order_by(func.count().desc())
        addresses = db.session.scalars(people).all()
        return {
            "middle": middle,
            "newest": newest,
            "sender": sender,
            "domain": sender.partition("@")[2],
            "busy": addresses[0],
            "busy_domain": addresses[0].partition("@")[2],
            "quiet": addresses[-1],
            "ip": some.ip,
            "queue_id": some.queue_id,
            "message_id": some.message_id,
            "day": some.received_at.date().isoformat(),
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
            for view in ("MailLogView", "QuarantineView"):
                for permission in ("can_list", "can_show"):
                    found = sm.find_permission_view_menu(permission, view)
                    if found:
                        sm.add_permission_role(role, found)
    clients = {"admin": login(app, "admin")}
    for who in ("busy", "quiet"):
        with app.app_context():
            sm = app.extensions["appbuilder"].sm
            assert not is_admin(sm.add_user(who, who, "Reader", facts[who], sm.find_role("Reader"), PASSWORD))
            db.session.remove()
        clients[who] = app.test_client()
        assert clients[who].post("/login/", data={"username": who, "password": PASSWORD}).status_code == 302
    return clients


def measure(client: FlaskClient, page: Page, watch: Watch, rounds: int) -> str:
    took: list[float] = []
    client.get(page.path)
    for _ in range(rounds):
        watch.times.clear()
        started = time.perf_counter()
        answer = client.get(page.path)
        text = answer.get_data(as_text=True)
        took.append((time.perf_counter() - started) * 1000)
    slowest = max(watch.times, default=(0.0, ""))
    state = str(answer.status_code) if answer.status_code != 200 else "partial" if "Time was up" in text else ""
    verdict = "" if statistics.median(took) <= page.aim else "  <-- over"
    return (
        f"{page.name:38}{statistics.median(took):9.1f}{max(took):9.1f}{len(watch.times):5}{sum(t for t, _ in watch.times):9.1f}"
        f"{slowest[0]:9.1f}{text.count('data-id='):6} {state:8}{page.aim:6}{verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("var/bench"))
    parser.add_argument("--pool", default="2G", help="MariaDB's buffer pool")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    given = parser.parse_args()
    with KeptMariaDB(given.folder, given.pool) as server:
        app = app_on(server, given.mails, WTF_CSRF_ENABLED=False)
        facts = facts_of(app)
        clients = clients_of(app, facts)
        watch = Watch()
        with app.app_context():
            watch.install()
        print(f"{'ms':38}{'median':>9}{'worst':>9}{'SQL':>5}{'in all':>9}{'slowest':>9}{'rows':>6} {'':8}{'aim':>6}")
        for page in PAGES:
            if given.only in page.name:
                there = replace(page, path=page.path.format(**facts))
                print(measure(clients[page.who], there, watch, given.rounds), flush=True)


if __name__ == "__main__":
    main()
