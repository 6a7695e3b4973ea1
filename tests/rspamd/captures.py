"""The recorded requests of real Rspamds, and the mails they were made from."""

import functools
import json
import pathlib
from dataclasses import dataclass
from typing import Any

from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Received

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
VERSIONS = ("rspamd-3.4", "rspamd-3.12.1", "rspamd-4.1.5")


@dataclass(frozen=True)
class Capture:
    version: str
    formatter: str
    mail: str
    collection: str = "captures"

    @property
    def path(self) -> pathlib.Path:
        return DATA / self.collection / self.version / self.formatter / f"{self.mail}.http"

    def request(self) -> tuple[dict[str, str], bytes]:
        """Headers as WSGI would give them, and the body."""
        head, _, body = self.path.read_bytes().partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
        return {name.lower(): value.strip() for name, _, value in lines}, body

    def received(self) -> Received:
        headers, body = self.request()
        limits = Limits()
        return parse(headers, decode_body(body, headers.get("content-encoding", ""), limits.body_bytes), limits)

    def __str__(self) -> str:
        return f"{self.version}-{self.formatter}-{self.mail}"


@functools.cache
def every(collection: str = "captures") -> tuple[Capture, ...]:
    """captures: the ordinary mails of tests/data/mails. odd: mails that were written to be misread, named by what is odd in them."""
    paths = sorted((DATA / collection).glob("*/*/*.http"))
    return tuple(Capture(path.parent.parent.name, path.parent.name, path.stem, collection) for path in paths)


def message(mail: str) -> bytes:
    return (DATA / "mails" / f"{mail}.eml").read_bytes()


def envelope(mail: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "mails" / f"{mail}.json").read_text(encoding="utf-8"))
    return found
