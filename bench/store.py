"""python -m bench.store: puts and reads a second, of a folder and of a small S3 server on this machine, one at a time and many at once.

The server is a real one over loopback, but it shares our processors and has no network between: read the ratio, not the number.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

from app.storage import store_for
from app.storage.local import digest_of, pack
from app.storage.store import Store
from tests.servers.s3 import KEYS, S3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=300, help="a round")
    parser.add_argument("--size", type=int, default=8000, help="bytes of a mail")
    options = parser.parse_args()
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory() as folder, S3() as server:
        stores = {"folder": store_for(f"file://{folder}"), "S3": store_for(server.url("bench"))}
        figures: dict[tuple[str, str], list[float]] = {}
        for _ in range(options.rounds):
            for name, store in stores.items():
                store.prepare()
                for what, rate in _round(store, options.mails, options.size):
                    figures.setdefault((name, what), []).append(rate)
    for (name, what), rates in figures.items():
        print(f"{name:<7} {what:<26} {statistics.median(rates):8.0f}/s   ({min(rates):.0f} to {max(rates):.0f})")


def _round(store: Store, count: int, size: int) -> list[tuple[str, float]]:
    raws = [os.urandom(size // 2).hex().encode() for _ in range(3 * count)]
    copies = [(digest_of(raw), pack(raw, 1)) for raw in raws]
    one, many, unflushed = copies[:count], copies[count : 2 * count], copies[2 * count :]

    def batch() -> None:
        for digest, packed in unflushed:
            store.put(digest, packed, durable=False)
        store.flush(digest for digest, _ in unflushed)

    verbs: list[tuple[str, Callable[[], object]]] = [
        ("put, one after the other", lambda: [store.put(*copy) for copy in one]),
        ("put, many at once", lambda: store.put_all(many)),
        ("put, flushed together", batch),
        ("open", lambda: [store.open(digest) for digest, _ in one]),
    ]
    return [(what, count / _seconds(verb)) for what, verb in verbs]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
