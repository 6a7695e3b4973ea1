"""A million believable mails on MariaDB in minutes: 10,000 senders, 3,000 recipients, 1.3 of these a mail, power-law, 180 days.

The database makes them itself from numbers; every value comes from a hash of the mail's number, so each run makes the same.
    python -m bench.million --mails 1000000 --folder var/bench      (again with the same folder: starts what is there)
"""

import argparse
import pathlib
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Connection, text

from app.extensions import db
from app.ids import TIME_SHIFT
from app.models import Mail, MailDetail, MailRecipient
from app.storage.local import LocalStore
from bench.server import KeptMariaDB
from bench.templates import COUNT, make_templates, store_copies
from tests.apps import close, make_app
from tests.databases import driver_url, migrate

DAYS = 180
SENDERS, RECIPIENTS = 10_000, 3000
_CHUNK = 100_000
_ACTIONS = (("no action", 0.62), ("greylist", 0.08), ("add header", 0.14), ("reject", 0.14), ("discard", 0.005), ("soft reject", 0.015))
_WORDS = "invoice order your account update meeting offer report delivery notice payment weekly news password project reminder".split()


def _uniform(salt: str) -> str:
    """A number from 0 to 1 that belongs to the mail's number `n`; twice, for CRC32 alone is too regular."""
    return f"(CRC32(CONCAT(MD5(CONCAT(n, '{salt}')))) / 4294967296)"


def _power(salt: str, count: int, exponent: float) -> str:
    return f"FLOOR({count} * POW({_uniform(salt)}, {exponent}))"


def _choice(salt: str, choices: tuple[tuple[str, float], ...]) -> str:
    total, cases = 0.0, []
    for value, share in choices:
        total += share
        cases.append(f"WHEN {_uniform(salt)} < {total} THEN '{value}'")
    return f"CASE {' '.join(cases)} ELSE '{choices[0][0]}' END"


def _mail_values(mails: int, days: int, start_ms: int) -> dict[str, str]:
    span = days * 86_400_000
    at = f"({start_ms} + FLOOR({span} * (n + 0.0) / {mails}) + FLOOR(9000000 * SIN(2 * PI() * n * {days} / {mails})))"
    sender = f"CONCAT('sender', {_power('s', SENDERS, 2.5)}, '@', 'domain', {_power('s', SENDERS, 2.5)} MOD 1700, '.example.net')"
    stored = f"({_uniform('a')} >= 0.70 AND {_uniform('a')} < 0.985)"
    words = ", ' ', ".join(f"ELT(1 + {_power(f'w{place}', len(_WORDS), 1.3)}, {', '.join(map(repr, _WORDS))})" for place in range(4))
    return {
        "id": f"({at} << {TIME_SHIFT}) | (1 << 13) | (n MOD 8192)",
        "identity": "UNHEX(MD5(CONCAT(n, 'identity')))",
        "node": f"IF({_uniform('node')} < 0.6, 'mx1', 'mx2')",
        "queue_id": "UPPER(LEFT(MD5(CONCAT(n, 'q')), 11))",
        "message_id": "CONCAT(MD5(CONCAT(n, 'm')), '@mail.example.net')",
        "action": _choice("a", _ACTIONS),
        "score": f"ROUND(IF({_uniform('a')} < 0.7, 8, 40) * POW({_uniform('c')}, 2) - 3, 2)",
        "direction": f"IF({_uniform('d')} < 0.12, 'out', 'in')",
        "auth_user": f"IF({_uniform('d')} < 0.12, CONCAT('user', {_power('u', 400, 2)}), '')",
        "ip": f"UNHEX(CONCAT('00000000000000000000FFFF', LPAD(HEX(3221225472 + {_power('i', 60_000, 2)} * 97), 8, '0')))",
        "mail_from": f"IF({_uniform('null')} < 0.03, '', {sender})",
        "mail_from_domain": f"IF({_uniform('null')} < 0.03, '', CONCAT('domain', {_power('s', SENDERS, 2.5)} MOD 1700, '.example.net'))",
        "mime_from": sender,
        "mime_from_domain": f"CONCAT('domain', {_power('s', SENDERS, 2.5)} MOD 1700, '.example.net')",
        "subject": f"CONCAT({words}, IF({_uniform('re')} < 0.4, CONCAT(' ', n), ''))",
        "first_rcpt": _rcpt(0),
        "rcpt_count": f"1 + ({_uniform('r1')} < 0.22) + ({_uniform('r2')} < 0.08)",
        "size": f"FLOOR(1500 + 90000 * POW({_uniform('z')}, 4) + IF({_uniform('z2')} < 0.02, 4000000, 0))",
        "has_virus": f"{_uniform('v')} < 0.0015",
        "has_risk": f"{_uniform('k')} < 0.01",
        "listed": f"IF({_uniform('l')} < 0.02, 'deny', IF({_uniform('l')} < 0.05, 'allow', ''))",
        "copy_state": f"IF({stored}, 'stored', 'none')",
        "copy_digest": f"IF({stored}, digest, UNHEX(SHA2(CONCAT('copy', n), 256)))",
        "copy_node": f"IF({stored}, 'mx1', NULL)",
        "notice_state": f"IF({_uniform('t')} < 0.1, 'sent', 'none')",
        "release_state": f"IF({_uniform('y')} < 0.004, 'released', 'none')",
    }


def _rcpt(place: int) -> str:
    return f"CONCAT('user', {_power(f'p{place}', RECIPIENTS, 2.2)}, '@', 'customer', {_power(f'p{place}', RECIPIENTS, 2.2)} MOD 60, '.example.com')"


def _statements(mails: int, days: int, start_ms: int) -> list[str]:
    """For one chunk of numbers, :low to :high."""
    values = _mail_values(mails, days, start_ms)
    missing = {column.name for column in Mail.__table__.columns} ^ set(values)
    if missing:
        raise SystemExit(f"bench/million.py knows nothing of, or too much: {missing}")
    numbers = "(SELECT seq AS n FROM seq_0_to_99999999 WHERE seq >= :low AND seq < :high) AS numbers"
    shared = f"{numbers} STRAIGHT_JOIN bench_template ON k = n MOD {COUNT}"  # so that rows stay in the order of their numbers
    own = f"'Subject: ', {values['subject']}, '\\r\\nMessage-ID: <', {values['message_id']}, '>\\r\\nX-Token: ', MD5(n), '\\r\\n'"
    detail = {
        "mail_id": values["id"],
        "header_from": f"CONCAT('Somebody <', {values['mime_from']}, '>')",
        "header_to": f"CONCAT('<', {_rcpt(0)}, '>')",
        "header_date": "'Fri, 20 Nov 2026 10:00:00 +0000'",
        "headers": f"CONCAT(headers, 'From: Somebody <', {values['mime_from']}, '>\\r\\nTo: <', {_rcpt(0)}, '>\\r\\n', {own})",
        "symbols": "symbols",
        "fuzzy": "'[]'",
        "virus": f"IF({values['has_virus']}, 'Win.Trojan.Bench-1', '')",
        "extra": "'{}'",
        "scan_ms": "n MOD 900",
        "rspamd_host": "'mx'",
        "copy_bytes": f"IF({values['copy_state']} = 'stored', bytes, NULL)",
    }
    recipient = "INSERT INTO mail_recipient (mail_id, position, address, domain, given) "
    shares = ("1 = 1", f"{_uniform('r1')} < 0.22", f"{_uniform('r2')} < 0.08")
    return [
        f"INSERT INTO mail ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {shared}",
        f"INSERT INTO mail_detail ({', '.join(detail)}) SELECT {', '.join(detail.values())} FROM {shared}",
        *(
            f"{recipient}SELECT {values['id']}, {place}, {_rcpt(place)}, SUBSTRING_INDEX({_rcpt(place)}, '@', -1), NULL FROM {numbers} WHERE {share}"
            for place, share in enumerate(shares)
        ),
    ]


def fill(app: Flask, mails: int, narrow: bool = False, days: int = DAYS) -> None:
    """Rows in the order of ids, the other indexes afterwards: a tenth of the time that random inserts would take."""
    start_ms = int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 1000)
    tables = [Mail.__table__, MailRecipient.__table__, MailDetail.__table__]
    with app.app_context(), db.engine.connect() as connection:
        for table in tables:
            for index in table.indexes:  # type: ignore[attr-defined]
                index.drop(connection)
        _write_templates(connection, LocalStore(app.config["STORE_URL"].removeprefix("file://")), narrow)
        for low in range(0, mails, _CHUNK):
            _fill_chunk(connection, _statements(mails, days, start_ms), low, min(low + _CHUNK, mails))
        for table in tables:
            for index in table.indexes:  # type: ignore[attr-defined]
                index.create(connection)
        connection.exec_driver_sql("ANALYZE TABLE mail, mail_detail, mail_recipient")
        connection.commit()


def _write_templates(connection: Connection, store: LocalStore, narrow: bool) -> None:
    """With a stored copy each, so that every stored mail can be opened."""
    templates = make_templates(narrow=narrow)
    sizes = store_copies(templates, store)
    connection.exec_driver_sql(
        "CREATE TABLE bench_template (k INT PRIMARY KEY, symbols MEDIUMTEXT, headers MEDIUMTEXT, digest BINARY(32), bytes INT)"
    )
    connection.execute(
        text("INSERT INTO bench_template VALUES (:number, :symbols, :headers, UNHEX(:digest), :bytes)"),
        [
            {"number": each.number, "symbols": each.symbols, "headers": each.headers, "digest": each.digest, "bytes": sizes[each.number]}
            for each in templates
        ],
    )


def _fill_chunk(connection: Connection, statements: list[str], low: int, high: int) -> None:
    for statement in statements:
        connection.execute(text(statement), {"low": low, "high": high})
    connection.commit()
    print(f"  {high:,} mails", flush=True)


def app_on(server: KeptMariaDB, mails: int, *, narrow: bool = False, days: int = DAYS, **overrides: Any) -> Flask:
    """The application on the server's million; made where it is not there yet."""
    made = (server.folder / "made").exists()
    url = server.url("million") if made else server.create("million")
    if not made:  # an index over millions of rows takes longer than any page may
        app = make_app(driver_url(url), server.folder / "app", SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "READ COMMITTED"})
        migrate(app)
        started = time.perf_counter()
        fill(app, mails, narrow, days)
        print(f"{mails:,} mails in {time.perf_counter() - started:.0f} s")
        (server.folder / "made").touch()
        close(app)
    return make_app(driver_url(server.url("million")), server.folder / "app", **overrides)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("var/bench"))
    parser.add_argument("--pool", default="2G", help="MariaDB's buffer pool")
    parser.add_argument("--narrow", action="store_true", help="short headers and symbols: ten million mails in 25 GB")
    given = parser.parse_args()
    with KeptMariaDB(given.folder, given.pool) as server:
        app_on(server, given.mails, narrow=given.narrow)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print(f"{server.url('million')}; Ctrl-C stops it")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
