"""Keeps the files of the maps in MAPS_FILES_DIR as the database has them: by one process of a node, every few seconds."""

import logging
import os
import pathlib

from flask import current_app

from app.errors import Conflict, MailkeepError
from app.jobs.timer import Timer
from app.services.job import Report
from app.services.map_files import MapWriter
from app.storage.disk import try_lock

log = logging.getLogger(__name__)


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


def write_map_files(report: Report) -> None:
    """The same for whoever asks or looks now and then; the files are locked while they are written."""
    writer: MapWriter | None = current_app.extensions["mailkeep_map_files"]
    if writer is None:
        report.say("No files of maps are wanted (MAPS_FILES_DIR).")
        return
    done = writer.write()
    if done.foreign:
        raise Conflict(f"{', '.join(done.foreign)}: there is such a file that is none of ours.")
    report.say(f"{len(done.written)} files are written, {len(done.removed)} removed, {done.unchanged} were as they should be.")


class MapFilesTimer(Timer):
    """The kernel frees the lock of a process that dies, and the next one goes on."""

    name, trouble = "map-files", "maps: files could not be written"
    _owner: int | None = None

    def is_wanted(self) -> bool:
        return bool(self._app.config["MAPS_FILES_DIR"])

    def look(self) -> float:
        run()
        return self.pause

    def holds(self) -> bool:
        if self._owner is None:
            self._owner = self._lock()
        return self._owner is not None

    def let_go(self) -> None:
        if self._owner is not None:
            os.close(self._owner)

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
