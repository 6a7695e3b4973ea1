"""How long counting takes: an hour of very many mails, the first count of a million, and the screen of a year of sums.

python -m bench.rollups                        (MariaDB and SQLite; --hour 400000 --past 1000000 --domains 100)
"""

import argparse
import pathlib
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import Connection, event, insert, text

from app.clock import utcnow
from app.extensions import db
from app.forms.statistics import read_stretch
from app.ids import first_id_of_hour, id_at, id_hour
from app.models import Counted, DailyCount, HourlyCount
from app.queries.reports import Asked, by_name, by_node, by_time
from app.queries.scope import ALL, Scope
from app.services import counting, rollups
from app.services.job import Report
from app.services.statements import statements_for
from bench.server import KeptMariaDB
from tests.apps import close, make_app
from tests.databases import driver_url, migrate

_CHUNK = 10_000
_ACTIONS = ("no action",) * 6 + ("add header", "greylist", "reject", "reject")
_WIDE = "Received: from mail.example.net by mx.example.com\r\n" * 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hour", type=int, default=400_000, help="mails of one hour")
    parser.add_argument("--past", type=int, default=1_000_000, help="mails of 30 days that were never counted")
    parser.add_argument("--domains", type=int, default=100)
    parser.add_argument("--on", choices=("mariadb", "sqlite"), nargs="*", default=("mariadb", "sqlite"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        if "sqlite" in chosen.on:
            bench(make_app(driver_url(f"sqlite:///{folder}/mailkeep.db"), folder), chosen)
        if "mariadb" in chosen.on:
            with KeptMariaDB(folder / "mariadb", "1G") as server:
                server.create("rollups")
                bench(make_app(driver_url(server.url("rollups")), folder), chosen)


def bench(app: Flask, chosen: argparse.Namespace) -> None:
    migrate(app)
    with app.app_context():
        print(f"--- {db.engine.dialect.name}")
        hour = id_hour(id_at(utcnow(), 1, 0)) - 1
        fill(hour, 1, chosen.hour, chosen.domains)
        said("an hour", chosen.hour, lambda: counting.count_hour(hour, Report(), frozenset()))
        said("the same hour again", chosen.hour, lambda: counting.count_hour(hour, Report(), frozenset()))
        fill(hour - 30 * 24, 30 * 24, chosen.past, chosen.domains)
        said("the past", chosen.past, lambda: rollups.run(Report(whole=True)))
        year(hour, chosen.domains)
        screens()
    close(app)


def said(what: str, mails: int, act: Any) -> None:
    longest = LongestWrite()
    began = time.perf_counter()
    act()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    speed = f"{mails / seconds:,.0f} a second"
    held = f"the longest transaction that writes {longest.seconds:.3f} s"
    print(f"{what}: {mails} mails in {seconds:.1f} s, {speed}; {held}; the process had {peak:.0f} MB at most", flush=True)


class LongestWrite:
    """From a writing transaction's first statement to its commit."""

    def __init__(self) -> None:
        self.seconds, self._began = 0.0, 0.0
        event.listen(db.engine, "before_cursor_execute", self._before)
        event.listen(db.engine, "commit", self._end)
        event.listen(db.engine, "rollback", self._end)

    def _before(self, *args: Any) -> None:
        if args[2].startswith(("DELETE", "UPDATE", "INSERT", "BEGIN IMM")) and not self._began:
            self._began = time.perf_counter()

    def _end(self, _connection: Connection) -> None:
        if self._began:
            self.seconds = max(self.seconds, time.perf_counter() - self._began)
        self._began = 0.0


def fill(first: int, hours: int, mails: int, domains: int) -> None:
    statements = statements_for(db.engine.dialect)
    low, high = first_id_of_hour(first), first_id_of_hour(first + hours)
    for begin in range(0, mails, _CHUNK):
        with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
            rows = list(_rows(begin, min(begin + _CHUNK, mails), low, (high - low) // mails, domains))
            for table, place in (("mail", 0), ("mail_detail", 1)):
                statements.insert(connection, table, [row[place] for row in rows])
            statements.insert(connection, "mail_recipient", [each for row in rows for each in row[2]])
    if db.engine.dialect.name == "mysql":
        with db.engine.connect() as connection:
            connection.execute(text("ANALYZE TABLE mail, mail_detail, mail_recipient"))


def _rows(begin: int, end: int, low: int, step: int, domains: int) -> Iterator[tuple[Any, ...]]:
    """One in ten goes to two domains."""
    for n in range(begin, end):
        mail_id = low + n * step
        sender = f"domain{n * 7919 % 1700}.example.net"
        mail = {"id": mail_id, "identity": f"{mail_id:032x}", "node": f"mx{1 + n % 3}", "queue_id": f"Q{n}", "message_id": f"{n}@{sender}"}
        mail |= {"action": _ACTIONS[n * 31 % 10], "score": 1.0, "direction": "out" if n % 8 == 0 else "in", "auth_user": "", "ip": None}
        mail |= {"mail_from": f"a@{sender}", "mail_from_domain": sender, "mime_from": f"a@{sender}", "mime_from_domain": sender}
        mail |= {"subject": "Mail", "first_rcpt": "b@example.com", "rcpt_count": 1, "size": 20_000, "has_virus": n % 700 == 0}
        mail |= {"has_risk": False, "listed": "", "copy_state": "stored" if n % 3 == 0 else "none", "copy_digest": None, "copy_node": None}
        mail |= {"notice_state": "none", "release_state": "none"}
        words = ("header_from", "header_to", "header_date", "symbols", "fuzzy", "extra", "rspamd_host")
        detail = {"mail_id": mail_id, "headers": _WIDE, "virus": "Eicar" if mail["has_virus"] else "", "scan_ms": 40.0, "copy_bytes": None}
        detail |= dict.fromkeys(words, "")
        places = [n * n % domains, (n * n + 1) % domains][: 2 if n % 10 == 0 else 1]
        rcpts = [_rcpt(mail_id, position, f"customer{place}.example") for position, place in enumerate(places)]
        yield mail, detail, rcpts


def _rcpt(mail_id: int, position: int, domain: str) -> dict[str, Any]:
    row = {"mail_id": mail_id, "position": position, "address": f"b@{domain}", "domain": domain}
    return row | {"given": None, "base": None, "personal": None}


def year(last: int, domains: int) -> None:
    """Sums of 366 days: three nodes, four actions, two directions, and in each hour all domains."""
    first = last - 366 * 24
    first -= first % 24
    names = (
        [(Counted.ALL, "")]
        + [(Counted.TO, f"customer{n}.example") for n in range(domains)]
        + [(Counted.FROM, f"d{n}.example") for n in range(50)]
    )
    numbers = {"mails": 10, "bytes": 10_000, "stored": 1, "viruses": 0, "scanned": 1, "scan_ms": 30.0}
    for model, step in ((HourlyCount, 1), (DailyCount, 24)):
        for day in range(first, last, 24):
            kinds = [(kind, name, f"mx{n % 3}", _ACTIONS[n % 4 + 5], "in") for n, (kind, name) in enumerate(names)]
            kinds += [(Counted.ALL, "", f"mx{n % 3}", _ACTIONS[n % 4 + 5], "out") for n in range(12)]
            keys = ("kind", "name", "node", "action", "direction")
            rows = [{"hour": hour} | dict(zip(keys, key, strict=True)) | numbers for hour in range(day, day + 24, step) for key in kinds]
            with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
                connection.execute(model.__table__.delete().where(model.hour >= day, model.hour < day + 24))
                connection.execute(insert(model), rows)
    db.session.rollback()
    count = db.session.query(HourlyCount).count()
    print(f"a year: {count:,} sums by the hour, {db.session.query(DailyCount).count():,} by the day")
    db.session.rollback()
    if db.engine.dialect.name == "mysql":
        with db.engine.connect() as connection:
            connection.execute(text("ANALYZE TABLE hourly_count, daily_count"))


def screens() -> None:
    now, zone = utcnow() - timedelta(hours=1), ZoneInfo("Europe/Berlin")
    some = Scope(domains=tuple(f"customer{n}.example" for n in range(5)))
    for name in ("24h", "7d", "30d", "12m"):
        asked = Asked(read_stretch({"stretch": name}, zone, now).edges)
        took = []
        for whose, scope in (("all", ALL), ("five domains", some)):
            for what, act in (
                ("bars", by_time),
                ("domains", partial(by_name, kind=Counted.TO, most=10)),
                ("nodes", partial(by_node, most=10)),
            ):
                act(scope, asked)
                began = time.perf_counter()
                act(scope, asked)
                took.append(f"{what} of {whose} {1000 * (time.perf_counter() - began):.0f} ms")
        print(f"{name}: {', '.join(took)}", flush=True)


if __name__ == "__main__":
    main()
