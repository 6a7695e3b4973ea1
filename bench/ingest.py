"""make bench: mails a second, latency and CPU of ingest on SQLite and MariaDB, beside the machine's ceilings in the same run.

Rounds are interleaved with a bare gunicorn POST, because machines are noisy: read the ratio, and the median of the rounds.
"""

import argparse
import contextlib
import pathlib
import shutil
import statistics
import tempfile
import uuid
from collections.abc import Iterator

from sqlalchemy import create_engine, insert, select

from app.clock import stored_now
from app.models import Map, MapEntry
from bench import ceilings
from bench.ceilings import cpu_of
from bench.load import Load, run
from bench.mails import Poster
from tests.databases import driver_url
from tests.servers.gunicorn import Mailkeep
from tests.servers.mariadb import MariaDB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2000, help="a round")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4000, 40000])
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--databases", nargs="+", default=["mariadb", "sqlite"])
    parser.add_argument("--pairs", type=int, default=0, help="entries of personal lists that are there")
    chosen = parser.parse_args()
    with kept_until_the_end():
        mariadb = MariaDB()
        mariadb.start()
        try:
            show_ceilings(mariadb)
            for database in chosen.databases:
                bench(database, mariadb, chosen)
        finally:
            mariadb.close()


@contextlib.contextmanager
def kept_until_the_end() -> Iterator[None]:
    """All files of a run. Where thousands were deleted a moment ago, ext4 without a journal looks through them for each new file."""
    room = tempfile.mkdtemp(prefix="mailkeep-bench-")
    pathlib.Path(room).chmod(0o755)  # MariaDB's folder is in it, too
    remove, tempfile.tempdir, shutil.rmtree = shutil.rmtree, room, lambda *_args, **_named: None
    try:
        yield
    finally:
        tempfile.tempdir, shutil.rmtree = None, remove
        remove(room, ignore_errors=True)


def show_ceilings(mariadb: MariaDB) -> None:
    print("Ceilings of this machine, now:")
    print(
        f"  MariaDB rows/s, a commit each / 100 a commit   {ceilings.mariadb_rows(mariadb, 1000, 1):8.0f} {ceilings.mariadb_rows(mariadb, 5000, 100):8.0f}"
    )
    print(f"  SQLite rows/s, a commit each / 100 a commit    {ceilings.sqlite_rows(1000, 1):8.0f} {ceilings.sqlite_rows(5000, 100):8.0f}")
    print(f"  40 kB files/s, written, flushed, renamed, c=8  {ceilings.files(40000, 2000):8.0f}")
    print(
        f"  40 kB appends/s, a flush each / 10 a flush     {ceilings.appends(40000, 2000, 1):8.0f} {ceilings.appends(40000, 2000, 10):8.0f}"
    )


def bench(database: str, mariadb: MariaDB, chosen: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = mariadb.create(f"b{uuid.uuid4().hex[:8]}") if database == "mariadb" else f"sqlite:///{folder}/mailkeep.db"
        server = Mailkeep(url, LOG_LEVEL="ERROR", THREADS="32").prepare()
        put_pairs(server, chosen.pairs)
        put_folders(server)
        server.start()
        try:
            print(
                f"\n{database}, {chosen.pairs} pairs, raw mail stored, all flushed: median of {chosen.rounds} rounds of {chosen.mails}, (bare POST in between)"
            )
            print("   size    c   mails/s   of bare   p50 ms   p99 ms   ours CPU ms   bare CPU ms")
            for size in chosen.sizes:
                for concurrency in chosen.concurrency:
                    print_line(server, size, concurrency, chosen)
                half_load(server, size, chosen)
        finally:
            server.close()


def put_folders(server: Mailkeep) -> None:
    """Those of a store that has been in use for an hour: making them costs more than what is measured, and is done once."""
    for number in range(4096):
        (server.folder / "store" / f"{number >> 4:02x}" / f"{number & 15:x}").mkdir(parents=True)


def put_pairs(server: Mailkeep, count: int) -> None:
    """Half of single people, half of the whole domain; a tenth of the mails is on one."""
    if not count:
        return
    engine = create_engine(driver_url(server.settings["DATABASE_URL"]))
    now = stored_now()
    common = {"since": 1, "until": 0, "data": "", "symbol": "", "comment": "", "made_by": "bench", "made_at": now, "changed_at": now}
    with engine.begin() as connection:
        ids = [row[0] for row in connection.execute(select(Map.id).where(Map.kind == "pair").order_by(Map.id))]
        rows = []
        for number in range(count):
            whole = number % 2
            sender = f"spam{number}@bad{number % 997}.example" if number >= 42 else f"example{number // 2}.net"
            rcpt = "example.com" if whole or number < 42 else f"user{number % 2999}@example.com"
            entry = {
                "map_id": ids[number % len(ids)],
                "value": f"{sender}|{rcpt}",
                "sender": sender,
                "rcpt": rcpt,
                "rcpt_domain": "example.com",
            }
            rows.append(entry | common | {"enabled": True})
        connection.execute(insert(MapEntry), rows)
    engine.dispose()


def print_line(server: Mailkeep, size: int, concurrency: int, chosen: argparse.Namespace) -> None:
    rates, p50, p99, cpu, bare_rates, bare_cpu = [], [], [], [], [], []
    count = chosen.mails if concurrency > 1 else chosen.mails // 4
    for _ in range(chosen.rounds):
        load, spent = one_round(server, size, concurrency, count)
        rate, bare = ceilings.bare_post(size, concurrency, count)
        rates.append(load.rate)
        p50.append(load.percentile(50))
        p99.append(load.percentile(99))
        cpu.append(spent)
        bare_rates.append(rate)
        bare_cpu.append(bare)
    ratio = statistics.median(ours / bare for ours, bare in zip(rates, bare_rates, strict=True))
    middle = statistics.median
    print(
        f"{size:7} {concurrency:4} {middle(rates):9.0f} {ratio:8.0%} {middle(p50):9.1f} {middle(p99):8.1f} {middle(cpu):12.2f} {middle(bare_cpu):13.2f}",
        flush=True,
    )


def half_load(server: Mailkeep, size: int, chosen: argparse.Namespace) -> None:
    """Latency at half of what it can take: what an Rspamd really waits."""
    full, _ = one_round(server, size, 32, chosen.mails)
    half = run(server.port, Poster(size, "mx1", "rspamd:secret").request, 32, chosen.mails, rate=full.rate / 2)
    disk = statistics.quantiles(ceilings.flushes(size, 5.0), n=100)
    print(
        f"{size:7}  at half that load ({full.rate / 2:.0f}/s): p50 {half.percentile(50):.1f} ms, p99 {half.percentile(99):.1f} ms"
        f" (the disk alone, a flush: p50 {disk[49]:.1f}, p99 {disk[98]:.1f})",
        flush=True,
    )


def one_round(server: Mailkeep, size: int, concurrency: int, count: int) -> tuple[Load, float]:
    make = Poster(size, "mx1", "rspamd:secret").request
    run(server.port, make, concurrency, 100)
    assert server.process
    before = cpu_of(server.process.pid)
    load = run(server.port, make, concurrency, count)
    spent = 1000 * (cpu_of(server.process.pid) - before) / count
    wrong = {answer: number for answer, number in load.answers.items() if answer != "200 committed"}
    if wrong:
        print(f"  answers other than 200 committed: {wrong}")
    return load, spent


if __name__ == "__main__":
    main()
