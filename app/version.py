"""The version, read from CHANGELOG.md so that it is written in one place."""

import pathlib
import re

_CHANGELOG = pathlib.Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def _read() -> str:
    match = re.search(r"^## (\d+\.\d+\.\d+)", _CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else "0.0.0"


VERSION = _read()
