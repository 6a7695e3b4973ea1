"""How long a day's mails take to go out of tables of several sizes, and how long mails that come in wait meanwhile.

Each table is on a MariaDB of its own behind a real gunicorn, which takes mails at a fixed rate: before, while `flask retention` runs, and after.
    python -m bench.retention 200000 1000000 --day 20000      (with --partitions: whole days go at once)
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta

from app.clock import utcnow
from app.ids import first_id_at
from bench import load, million
from bench.load import Load
from bench.mails import Poster
from bench.server import KeptMariaDB
from tests.apps import close
from tests.servers.gunicorn import ROOT, Mailkeep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mails", type=int, nargs="*", default=[200_000, 1_000_000])
    parser.add_argument("--day", type=int, default=20_000, help="mails of a day")
    parser.add_argument("--go", type=int, default=1, help="days that are old enough to go")
    parser.add_argument("--rate", type=float, default=20.0, help="mails a second that come in")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the load before, and after")
    parser.add_argument("--pool", default="1G", help="MariaDB's buffer pool")
    parser.add_argument("--wide", action="store_true", help="headers and symbols of their usual length")
    parser.add_argument("--partitions", action="store_true", help="after `flask db partition`")
    chosen = parser.parse_args()
    for mails in chosen.mails:
        with tempfile.TemporaryDirectory() as name, KeptMariaDB(pathlib.Path(name), chosen.pool) as server:
            pathlib.Path(name).chmod(0o755)
            bench(server, mails, chosen)


def bench(database: KeptMariaDB, mails: int, chosen: argparse.Namespace) -> None:
    days = mails // chosen.day
    close(million.app_on(database, mails, narrow=not chosen.wide, days=days))
    settings = {
        "RETENTION_MAIL_DAYS": days - chosen.go,
        "RETENTION_COPY_DAYS": 0,
        "JOBS": "off",
        "LOG_LEVEL": "ERROR",
        "RETENTION_PARTITIONS": "day",
    }
    panel = Mailkeep(database.url("million"), **settings).prepare()
    if chosen.partitions:
        print(panel.flask("db", "partition").strip())
    panel.start()
    try:
        count = f"SELECT count(*) FROM million.mail WHERE id < {_before(settings['RETENTION_MAIL_DAYS'])}"
        due = int(database.sql(count))
        before = under_load(panel, chosen, lambda: time.sleep(chosen.seconds))
        began = time.monotonic()
        during = under_load(panel, chosen, lambda: retire(panel))
        seconds = time.monotonic() - began
        after = under_load(panel, chosen, lambda: time.sleep(chosen.seconds))
        left = int(database.sql(count))
    finally:
        panel.close()
    without = Load(latencies=before.latencies + after.latencies)
    print(
        f"{mails:,} mails, {chosen.rate:.0f} a second come in: {due:,} were old enough and went in {seconds:.1f} s ({due / seconds:.0f}/s), {left} stayed"
    )
    for what, found in (("before", before), ("meanwhile", during), ("after", after)):
        print(
            f"  {what}: {len(found.latencies)} mails, p50 {found.percentile(50):.1f} ms, p99 {found.percentile(99):.1f} ms, {found.answers}"
        )
    print(f"  p99 meanwhile is {during.percentile(99) / without.percentile(99):.2f} times that of before and after", flush=True)


def _before(days: int) -> int:
    return first_id_at(utcnow() - timedelta(days=days))


def under_load(panel: Mailkeep, chosen: argparse.Namespace, work: object) -> Load:
    """The load goes on as long as the work does."""
    ended = threading.Event()

    def do() -> None:
        try:
            work()  # type: ignore[operator]
        finally:
            ended.set()

    worker = threading.Thread(target=do)
    worker.start()
    make = Poster(4000, "mx1", "rspamd:secret").request
    found = load.run(panel.port, make, 16, 10_000_000, rate=chosen.rate, goes_on=lambda: not ended.is_set())
    worker.join()
    return found


def retire(panel: Mailkeep) -> None:
    command = [sys.executable, "-m", "flask", "--app", "run", "retention"]
    subprocess.run(command, env=panel.environment(), cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
