"""Writes the maps as files to a folder of this node, for a web server or an Rspamd that reads them there."""

import os
import pathlib
import re
from dataclasses import dataclass, field

from app.errors import NotAllowed, NotFound, Unavailable
from app.queries.map_texts import MapState
from app.services.map_feed import MapFeed
from app.services.map_texts import Text, remark_of
from app.storage.map_files import MapFiles


@dataclass(slots=True)
class Written:
    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Files that stand in our way and are not ours: they are left alone."""


class MapWriter:
    def __init__(self, feed: MapFeed, folder: str) -> None:
        self._feed, self._files = feed, MapFiles(folder)
        self.trouble = ""
        """What was told last, so that it is told once."""
        self._known: dict[str, tuple[Text, tuple[int, int, int] | None]] = {}
        """What was written or found last, so that nothing is read again where nothing has changed."""

    def write(self, *, replace: bool = False) -> Written:
        """With `replace` also over files that are not ours. Unavailable with the database away, or where the folder cannot be used:
        what is there stays."""
        states = self._feed.states()
        try:
            with self._files.alone():
                return self._write(states, replace)
        except OSError as error:
            raise Unavailable(f"The maps cannot be written to {self._files.root}: {error.strerror}.") from error

    def _write(self, states: dict[str, MapState], replace: bool) -> Written:
        done = Written()
        for name, state in sorted(states.items()):
            if self._is_known(name, state):
                done.unchanged += 1
            elif not replace and self._is_foreign(name):
                done.foreign.append(name)
            elif self._write_one(name):
                done.written.append(name)
            else:
                done.unchanged += 1
        for name in set(self._files.names()) - set(states):
            if not self._is_foreign(name):
                self._files.remove(name)
                self._known.pop(name, None)
                done.removed.append(name)
        return done

    def _is_known(self, name: str, state: MapState) -> bool:
        known = self._known.get(name)
        return known is not None and known[0].fits(state) and known[1] == self._files.stamp(name)

    def _is_foreign(self, name: str) -> bool:
        line = self._files.first_line(name)
        return line is not None and re.fullmatch(re.escape(remark_of(name)) + r", revision \d+", line) is None

    def _write_one(self, name: str) -> bool:
        """True where there was another text, or none."""
        try:
            text, blocks = self._feed.opened(self._feed.current(name))
        except NotFound:  # deleted since we asked: the next time its file goes
            return False
        try:
            is_new = self._files.digest(name) != text.head.digest
            if is_new:
                self._files.write(name, blocks)
        finally:
            blocks.close()
        self._known[name] = (Text(text.head, None), self._files.stamp(name))
        return is_new


def refuse_other_users(maps_dir: str) -> None:
    """What root leaves there, the running processes could neither read nor replace."""
    try:
        owner = pathlib.Path(maps_dir).stat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        raise NotAllowed(f"{maps_dir} belongs to user {owner}: run this as that user.")
