"""What may be done once the answer is out: one thread in each process, and a queue with an end."""

import contextlib
import logging
import threading
from collections.abc import Callable
from queue import Full, Queue

from flask import Flask, current_app

log = logging.getLogger(__name__)

Work = Callable[[], object]
_MOST_WAITING = 100


class Background:
    """Nothing is kept: what waits when the process is killed is not done."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._queue: Queue[Work | None] = Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._timers: list[threading.Timer] = []

    def do(self, work: Work) -> bool:
        """False, and a line in the log, where too much is waiting."""
        try:
            self._queue.put_nowait(work)
        except Full:
            log.error("background: %s things wait already, this one is not done", _MOST_WAITING)
            return False
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="background", daemon=True)
                self._thread.start()
        return True

    def later(self, seconds: float, work: Work) -> None:
        """Not before so many seconds have passed; what does not get its turn before the end is left to who looks for it."""
        timer = threading.Timer(seconds, self.do, (work,))
        timer.daemon = True
        with self._lock:
            self._timers = [each for each in self._timers if each.is_alive()]
            if len(self._timers) >= _MOST_WAITING:
                return
            self._timers.append(timer)
            timer.start()

    def wait(self) -> None:
        self._queue.join()

    def stop(self, seconds: float = 5.0) -> None:
        """What waits is done first, as far as the time allows."""
        with self._lock:
            thread, self._thread = self._thread, None
            for timer in self._timers:
                timer.cancel()
        if thread is not None:
            with contextlib.suppress(Full):
                self._queue.put_nowait(None)
                thread.join(seconds)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                with self._app.app_context():
                    work()
            except Exception as error:
                log.error("background: failed", exc_info=error)
            finally:
                self._queue.task_done()
        self._queue.task_done()


def background() -> Background:
    found: Background = current_app.extensions["mailkeep_background"]
    return found
