"""The maps as files for others to read: whole or not at all, changed only where the text is another, and nobody else's file touched."""

import contextlib
import errno
import hashlib
import os
import pathlib
from collections.abc import Iterable, Iterator

from app.storage.disk import written_whole
from app.storage.map_texts import is_name, locked

_SUFFIX = ".txt"
_FIRST_BYTES = 200
_LOCK_SECONDS = 60.0
_MODE, _FOLDER_MODE = 0o644, 0o755


class MapFiles:
    """OSError where the folder cannot be used."""

    def __init__(self, root: str | pathlib.Path) -> None:
        self.root = pathlib.Path(root)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        if not self.root.exists():
            self.root.mkdir(parents=True)
            self.root.chmod(_FOLDER_MODE)  # whatever the process' umask is: Rspamd runs as its own user
        with locked(self.root, _LOCK_SECONDS):
            for part in self.root.glob(f".*{_SUFFIX}.part"):
                part.unlink(missing_ok=True)
            yield

    def names(self) -> Iterator[str]:
        for path in self.root.glob(f"*{_SUFFIX}"):
            if is_name(path.stem):
                yield path.stem

    def first_line(self, name: str) -> str | None:
        """None: there is no such file. Empty of what is none that can be read: a folder, somebody's pipe, or a file they keep closed."""
        path = self._path(name)
        if self._is_strange(path):
            return ""
        try:
            with path.open("rb") as file:
                return file.readline(_FIRST_BYTES).decode("utf-8", "replace").rstrip("\n")
        except FileNotFoundError:
            return None

    def stamp(self, name: str) -> tuple[int, int, int] | None:
        """Changes when somebody changes the file."""
        try:
            found = self._path(name).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def digest(self, name: str) -> str | None:
        path = self._path(name)
        if self._is_strange(path):
            return None
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def write(self, name: str, blocks: Iterable[bytes]) -> None:
        path = self._path(name)
        beside = path.with_name(f".{name}{_SUFFIX}.part")
        with written_whole(path, beside, _MODE) as file:
            for block in blocks:
                file.write(block)

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    @staticmethod
    def _is_strange(path: pathlib.Path) -> bool:
        return path.is_symlink() or (path.exists() and not (path.is_file() and os.access(path, os.R_OK)))

    def _path(self, name: str) -> pathlib.Path:
        if not is_name(name):
            raise FileNotFoundError(errno.ENOENT, "no name of a map", name)
        return self.root / f"{name}{_SUFFIX}"
