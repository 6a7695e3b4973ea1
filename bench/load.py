"""A load of HTTP posts, each on a connection of its own as Rspamd makes them. Only ever to this machine."""

import resource
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of it."""

    seconds: float = 0.0
    client_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """In milliseconds."""
        return 1000 * statistics.quantiles(self.latencies, n=100)[percent - 1]


def post(port: int, request: bytes) -> str:
    """The status line's code and the first word of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return f"{head[9:12].decode()} {body.split(b' ', 1)[0].decode(errors='replace').strip()}"


def run(
    port: int, make: Callable[[], bytes], concurrency: int, count: int, rate: float = 0.0, goes_on: Callable[[], bool] = lambda: True
) -> Load:
    """`count` posts by `concurrency` threads, or fewer where it does not go on; with `rate`, no faster than that many a second together."""
    load = Load()
    lock = threading.Lock()
    remaining = iter(range(count))
    started = time.perf_counter()

    def work() -> None:
        while True:
            with lock:
                number = next(remaining, None)
                if number is None or not goes_on():
                    return
                request = make()
            if rate:
                time.sleep(max(0.0, started + number / rate - time.perf_counter()))
            before = time.perf_counter()
            try:
                answer = post(port, request)
            except OSError as error:
                answer = type(error).__name__
            after = time.perf_counter()
            with lock:
                load.latencies.append(after - before)
                load.answers[answer] = load.answers.get(answer, 0) + 1

    cpu = _cpu()
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds, load.client_cpu = time.perf_counter() - started, _cpu() - cpu
    return load


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
