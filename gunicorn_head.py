"""A post as Rspamd writes it, read at one glance; whatever is written in any other way is left to gunicorn."""

import enum
import functools
import io
import re
from collections.abc import Container
from typing import Any

LARGEST = 256 << 10
"""Bytes of a request that is kept in memory before anybody has looked who sends it."""
_HEAD_END = b"\r\n\r\n"
_MOST_FIELDS = 150
_LINE = re.compile(r"POST (/(?!/)[A-Za-z0-9._~/-]*)(?:\?([A-Za-z0-9._~/=&-]*))? HTTP/1\.([01])")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_NAME = 64
_ODD = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_LEFT_ALONE = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_UPGRADE", "HTTP_TRAILER", "HTTP_TE", "HTTP_HTTP2_SETTINGS"})
"""What says more about the way a request is sent than how long it is."""
Environ = dict[str, Any]


class Sight(enum.Enum):
    WHOLE = "whole"
    PART = "part"
    OTHER = "other"


class Early:
    """What has come of a request. Two servers that read one request differently can be played off against each other: so what is
    read here is only what can be read in one way."""

    __slots__ = ("_environ", "_head_end", "_underscored", "_whole", "content")

    def __init__(self, underscored: Container[str]) -> None:
        """`underscored`: names of headers, in capitals, that may have an underscore."""
        self.content = b""
        self._underscored = underscored
        self._environ: Environ | None = None
        self._head_end = self._whole = 0

    def add(self, piece: bytes) -> Sight:
        """A PART is a head without its end, whatever it asks for, or a post without all of its body."""
        looked_at = len(self.content)
        self.content += piece
        if self._environ is None:
            self._head_end = self.content.find(_HEAD_END, max(0, looked_at - len(_HEAD_END) + 1))
            if self._head_end >= 0 and not self._read_head():
                return Sight.OTHER
        if len(self.content) > LARGEST or self._whole > LARGEST:
            return Sight.OTHER
        if not self._whole or len(self.content) < self._whole:
            return Sight.PART
        return Sight.WHOLE if len(self.content) == self._whole else Sight.OTHER

    def environ(self) -> Environ:
        """As WSGI has it, of a whole one. What the connection knows is to be added."""
        environ = self._environ or {}
        environ["wsgi.input"] = io.BytesIO(self.content[self._head_end + len(_HEAD_END) :])
        return environ

    def _read_head(self) -> bool:
        self._environ = _environ_of(self.content[: self._head_end].decode("latin-1"), self._underscored)
        if self._environ is None:
            return False
        self._whole = self._head_end + len(_HEAD_END) + int(self._environ["CONTENT_LENGTH"])
        return True


def _environ_of(head: str, underscored: Container[str]) -> Environ | None:
    """None where gunicorn has to say what is meant."""
    lines = head.split("\r\n")
    first = _LINE.fullmatch(lines[0])
    if first is None or not 1 < len(lines) <= _MOST_FIELDS:
        return None
    environ: Environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": first[1],
        "QUERY_STRING": first[2] or "",
        "SERVER_PROTOCOL": f"HTTP/1.{first[3]}",
        "wsgi.url_scheme": "http",
    }
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key, has_underscore = _key_of(name) if len(name) <= _LONGEST_NAME else ("", False)
        if not colon or not key or key in environ or (has_underscore and name.upper() not in underscored) or _ODD.search(value):
            return None
        environ[key] = value.strip(" \t")
    return environ if _is_plain(environ) else None


def _is_plain(environ: Environ) -> bool:
    """It says how long it is, and that nothing follows."""
    if not _LEFT_ALONE.isdisjoint(environ) or not _NUMBER.fullmatch(environ.get("CONTENT_LENGTH", "")):
        return False
    return bool(environ.get("HTTP_CONNECTION", "").lower() == "close")


@functools.lru_cache(maxsize=1024)
def _key_of(name: str) -> tuple[str, bool]:
    """Its key in WSGI, empty for what is no plain name, and whether it has an underscore, which in the key is a hyphen, too."""
    if not _NAME.fullmatch(name):
        return "", False
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "_" in name
