"""The files of a node in a folder: nothing that somebody wrote or changed by hand is overwritten."""

import contextlib
import grp
import os
import pathlib
import secrets
from collections.abc import Iterable
from enum import StrEnum

from app.rspamd.site_config.files import ConfigFile, Origin, origin_of

RSPAMD = "_rspamd"
"""Its user and group, as its packages make them. What they cannot read keeps it from starting."""


class Written(StrEnum):
    NEW = "written"
    REPLACED = "replaced"
    SAME = "unchanged"
    CHANGED = "left: it was changed by hand"
    FOREIGN = "left: it is not Mailkeep's"


def write_files(folder: pathlib.Path, files: Iterable[ConfigFile], *, force: bool = False) -> list[tuple[ConfigFile, Written]]:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    return [(file, _write(folder / file.name, file.text, force)) for file in files]


def _write(path: pathlib.Path, text: str, force: bool) -> Written:
    present = _present(path)
    if present == text:
        return Written.SAME
    if present is not None and not force:
        origin = origin_of(present)
        if origin is not Origin.OURS:
            return Written.CHANGED if origin is Origin.CHANGED else Written.FOREIGN
    _replace(path, text)
    return Written.NEW if present is None else Written.REPLACED


def _present(path: pathlib.Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _replace(path: pathlib.Path, text: str) -> None:
    """A node's password stands in one of them: readable by the owner and the group, which is Rspamd's."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            _keep_owner(path, beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _keep_owner(path: pathlib.Path, beside: pathlib.Path) -> None:
    if path.exists():
        stat = path.stat()
        os.chown(beside, stat.st_uid, stat.st_gid)
        beside.chmod(stat.st_mode & 0o777)
        return
    stat = path.parent.stat()
    os.chown(beside, stat.st_uid, _group() or stat.st_gid)


def _group() -> int | None:
    """Rspamd's, where there is one on this host."""
    try:
        return grp.getgrnam(RSPAMD).gr_gid
    except KeyError:
        return None
