"""How long an act on many mails takes, how much memory it holds, and how long mails that come in meanwhile wait: python -m bench.bulk [MAILS]."""

import pathlib
import resource
import statistics
import sys
import tempfile
import threading
import time

from app.extensions import db
from app.services.insert import insert_entries
from tests.bulk import counts, ordered, worked
from tests.databases import SqliteCopies
from tests.make import make_entry, make_user
from tests.releases import releasing_app, stored


def rss_mb() -> float:
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main(mails: int) -> None:
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "template").mkdir()
    app = releasing_app(SqliteCopies(folder / "template").make(folder), folder, "smtp://127.0.0.1:9", UNDO_SECONDS=3600)
    make_user(app, "root")
    for _ in range(mails):
        stored(app)
    run = ordered(app, total=mails)
    waits: list[float] = []
    ended = threading.Event()

    def ingest() -> None:
        with app.app_context():
            while not ended.is_set():
                entry = make_entry(recipients=("dora@example.org",))
                began = time.monotonic()
                insert_entries(db.engine, [entry], "mx1")
                waits.append(time.monotonic() - began)
                time.sleep(0.02)

    before = rss_mb()
    thread = threading.Thread(target=ingest)
    thread.start()
    began = time.monotonic()
    worked(app, slices=100_000)
    seconds = time.monotonic() - began
    ended.set()
    thread.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slow = statistics.quantiles(waits, n=100)
    print(f"{counts(app, run)} in {seconds:.1f} s, {mails / seconds:.0f} mails/s; memory {before:.0f} MB before, {peak:.0f} MB at most")
    print(
        f"{len(waits)} mails came in meanwhile: median {1000 * statistics.median(waits):.1f} ms, 99 % within {1000 * slow[98]:.0f} ms, at most {1000 * max(waits):.0f} ms"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
