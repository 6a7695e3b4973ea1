"""Files and folders of which more than one process may think: written whole, flushed, held alone."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def written_whole(path: pathlib.Path, beside: pathlib.Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Written beside, flushed and put in place; or, whatever is raised, not there. Never through a link that somebody has put there."""
    try:
        with beside.open("xb") as file:
            if mode is not None:  # whatever the process' umask is
                beside.chmod(mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    flush_path(path.parent)


def flush_path(path: pathlib.Path) -> None:
    """A file, or a folder: what was put there or taken from there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """The kernel frees it however its process ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
