"""Keeps the files of the maps in MAPS_FILES_DIR as the database has them: by one process of a node, every few seconds."""

import logging
import os
import pathlib
import threading

from flask import Flask, current_app

from app.errors import MailkeepError
from app.services.map_files import MapWriter
from app.storage.disk import try_lock

log = logging.getLogger(__name__)

_EVERY_SECONDS = 5.0


def run() -> None:
    """Once. What cannot be written is said in one line, and again only when it is something else."""
    writer: MapWriter | None = current_app.extensions["mailkeep_map_files"]
    if writer is None:
        return
    trouble = ""
    try:
        done = writer.write()
    except MailkeepError as error:
        trouble = str(error)
    else:
        if done.foreign:
            trouble = f"{', '.join(done.foreign)}: there is such a file that is none of ours; `flask maps write --replace` takes its place"
        if done.written or done.removed:
            log.info("maps: files written: %s; removed: %s", ", ".join(done.written) or "none", ", ".join(done.removed) or "none")
    if trouble and trouble != writer.trouble:
        log.error("maps: files: %s", trouble)
    writer.trouble = trouble


class MapFilesTimer:
    """Until there is something that starts all jobs. The kernel frees the lock of a process that dies, and the next one goes on."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = False

    def start(self) -> None:
        if self._app.config["MAPS_FILES_DIR"] and "jobs" in self._app.config["ROLES"]:
            self._thread = threading.Thread(target=self._loop, name="map-files", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _loop(self) -> None:
        lock: int | None = None
        try:
            while not self._stopping.is_set():
                lock = lock if lock is not None else self._lock()
                if lock is not None:
                    self._run()
                self._stopping.wait(_EVERY_SECONDS)
        finally:
            if lock is not None:
                os.close(lock)

    def _run(self) -> None:
        try:
            with self._app.app_context():
                run()
            self._told = False
        except Exception:
            if not self._told:
                log.exception("maps: files could not be written")
            self._told = True

    def _lock(self) -> int | None:
        """Held for life."""
        folder = pathlib.Path(self._app.config["MAPS_DIR"])
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / "files.owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if not self._told:
                log.error("maps: files: %s cannot be used: %s", folder, error.strerror)
            self._told = True
            return None
        if try_lock(descriptor):
            return descriptor
        os.close(descriptor)
        return None
