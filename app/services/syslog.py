"""Events on their way to a syslog: by a thread of their own, so that one that is away holds nobody up."""

import atexit
import logging
import os
import queue
import socket
import threading
from typing import Any, cast
from urllib.parse import urlsplit

from app.clock import utcnow

log = logging.getLogger(__name__)
_WAITING = 1000
_SECONDS = 2.0
_PRIORITY = 10 * 8 + 6  # authpriv.info


class Syslog:
    """`udp://host:port` gets RFC 5424, `unix:/dev/log` what the C library would write."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: queue.Queue[str] = queue.Queue(_WAITING)
        self._starting = threading.Lock()
        self._process = 0
        self._is_away = False
        atexit.register(self.flush, 1.0)

    def send(self, line: str) -> None:
        """Never waits. What finds no room is only in the database."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._away("too many events wait")
        with self._starting:
            if self._process != os.getpid():  # a worker has none of its parent's threads
                self._process = os.getpid()
                threading.Thread(target=self._work, name="syslog", daemon=True).start()

    def flush(self, seconds: float) -> None:
        """A command ends sooner than the thread has sent all."""
        if self._process == os.getpid():
            with self._waiting.all_tasks_done:
                self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _work(self) -> None:
        while True:
            line = self._waiting.get()
            try:
                self._write(line)
                self._is_away = False
            except OSError as error:
                self._away(str(error))
            finally:
                self._waiting.task_done()

    def _write(self, line: str) -> None:
        """Over a socket of its own: a host that moved, or a daemon that was started anew, is found again."""
        with _connected(self._url) as opened:
            if opened.family == socket.AF_UNIX:
                head = f"<{_PRIORITY}>mailkeep[{os.getpid()}]: "
            else:
                head = f"<{_PRIORITY}>1 {utcnow():%Y-%m-%dT%H:%M:%S.%fZ} {socket.gethostname()} mailkeep {os.getpid()} audit - "
            opened.send((head + line).encode())

    def _away(self, why: str) -> None:
        """Once, until it is back."""
        if not self._is_away:
            self._is_away = True
            log.warning("AUDIT_SYSLOG %s does not take events, which stay in the database: %s", self._url, why)


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    family, address = socket.AF_UNIX, cast(Any, parts.path)
    if parts.scheme == "udp":
        family, _, _, _, address = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.settimeout(_SECONDS)
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened
