"""Sends released mails when their time has come: every second while one waits, else now and then."""

import logging
import threading

from flask import Flask, current_app

from app.queries.releases import is_any_under_way
from app.services.release import can_release
from app.services.release_sending import send_due

log = logging.getLogger(__name__)

_BUSY_SECONDS, _IDLE_SECONDS = 1.0, 5.0


def run() -> bool:
    """Once. Whether something waits still."""
    send_due()
    return is_any_under_way(current_app.config["NODE_NAME"])


class ReleaseTimer:
    """In each process that has jobs: claims see to it that nothing goes twice."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = False

    def start(self) -> None:
        with self._app.app_context():
            is_wanted = can_release() and "jobs" in self._app.config["ROLES"]
        if is_wanted:
            self._thread = threading.Thread(target=self._loop, name="releases", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """What is being sent just now is finished, as far as the time allows."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(_BUSY_SECONDS if self._run() else _IDLE_SECONDS)

    def _run(self) -> bool:
        try:
            with self._app.app_context():
                is_busy = run()
            self._told = False
        except Exception:
            if not self._told:
                log.exception("releases: cannot go on")
            self._told = True
            return False
        return is_busy
