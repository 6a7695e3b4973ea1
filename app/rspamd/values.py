"""Single values from the wire: text from bytes, JSON that is nearly JSON, header values as WSGI hands them over."""

import json
import re
from typing import Any

import orjson

from app.mime.text import clean, one_line
from app.mime.words import decode_bytes, decode_words

# Rspamd from 3.5 on encodes what is not ASCII like this, words touching each other, a character cut in two wherever it falls.
_ENCODED_RUN = re.compile(rb"(?:=\?UTF-8\?[QB]\?[^?\s]*\?=)+")


def as_text(value: Any) -> str:
    """Empty for what is no single value: writing out a list nested a thousand deep is more than Python does."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    return "" if value is None or isinstance(value, dict | list | tuple) else clean(str(value))


def as_line(value: Any) -> str:
    return one_line(value) if type(value) is str else one_line(as_text(value))


def header_bytes(value: str) -> bytes:
    """WSGI hands the bytes of a header over as latin-1; other callers may have decoded them."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def header_text(value: str) -> str:
    """Raw UTF-8 from Rspamd 3.4, encoded words from later ones.

    Rspamd encodes nothing that is ASCII, so a word that decodes to ASCII is what the mail really says, and stays.
    """
    if value.isascii() and "=?" not in value:
        return one_line(value)
    return one_line(decode_bytes(_ENCODED_RUN.sub(_decoded_run, header_bytes(value))))


def _decoded_run(match: re.Match[bytes]) -> bytes:
    text = decode_words(match[0])
    return match[0] if text.isascii() else text.encode("utf-8")


def load_json(text: str | bytes) -> Any:
    """Raises ValueError. Bytes that are no UTF-8, raw control characters, lone surrogates and huge numbers do not make JSON unreadable."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text if isinstance(text, str) else text.decode("utf-8", "replace"), strict=False)
        except RecursionError:
            raise ValueError("nested too deep") from None
