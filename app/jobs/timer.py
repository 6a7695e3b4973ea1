"""A thread of a process with jobs that looks again and again, until there is something that starts all jobs."""

import logging
import threading

from flask import Flask

log = logging.getLogger(__name__)


class Timer:
    name: str
    trouble: str
    """What the log says of a look that fails: once, until one has gone well."""
    pause = 5.0
    """Seconds to the next look where nothing is said of it."""
    patience = 5.0
    """Seconds that the end of the process waits for what is being done."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._stirred = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = False

    def start(self) -> None:
        if "jobs" not in self._app.config["ROLES"]:
            return
        with self._app.app_context():
            is_wanted = self.is_wanted()
        if is_wanted:
            self._thread = threading.Thread(target=self._loop, name=self.name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._stirred.set()
        if self._thread is not None:
            self._thread.join(timeout=self.patience)

    def stir(self) -> None:
        """There is something to do: it looks without waiting for its time."""
        self._stirred.set()

    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def is_wanted(self) -> bool:
        raise NotImplementedError

    def look(self) -> float:
        """Once, in the app's context; says how long it is until the next."""
        raise NotImplementedError

    def holds(self) -> bool:
        """Whether this process is the one that looks."""
        return True

    def let_go(self) -> None:
        """At the end."""

    def _loop(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stirred.wait(self._looked() if self.holds() else self.pause)
                self._stirred.clear()
        finally:
            self.let_go()

    def _looked(self) -> float:
        try:
            with self._app.app_context():
                seconds = self.look()
            self._told = False
        except Exception:
            if not self._told:
                log.exception(self.trouble)
            self._told = True
            return self.pause
        return seconds
