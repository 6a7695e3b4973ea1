"""The forms in which many values come: told by the name of a file, or by how it begins."""

import re

_ENDINGS = {".json": "json", ".csv": "csv", ".txt": "text", ".map": "text", ".inc": "text"}
_JSON = re.compile(r'\[\s*(?:\]|"|\{\s*")|\{\s*"')
_CSV = re.compile(r'"?(?:value|expires|enabled|comment|data|symbol|score)"?\s*(?:[,;\t]|\r?\n|\Z)', re.IGNORECASE)
ENOUGH = 1000
"""Bytes of the beginning."""


def form_of(name: str, beginning: bytes) -> str:
    """A name counts more: whoever gave it knows. CSV without a line of names looks like text."""
    known = _ENDINGS.get(name[name.rfind(".") :].lower()) if "." in name else None
    if known:
        return known
    text = beginning[:ENOUGH].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return "json" if _JSON.match(text) else "csv" if _CSV.match(text) else "text"
