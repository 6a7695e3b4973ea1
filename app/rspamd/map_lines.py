"""Many values at once, as they are pasted or uploaded: a line each, and a wrong one never spoils the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import Value, Wrong, WrongValue, read_value

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Line:
    """`value` is None where it is wrong. `number` is as an editor counts, from 1."""

    number: int
    text: str
    value: Value | None
    wrong: WrongValue | None
    enabled: bool
    comment: str = ""
    expires_at: datetime | None = None


def read_lines(kind: MapKind, form: str, chunks: Iterable[bytes]) -> Iterator[Line]:
    """`form` is text, csv or json."""
    number = 0
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield from _line(kind, number, line)
    yield from _line(kind, number + 1, rest)


def _line(kind: MapKind, number: int, raw: bytes) -> Iterator[Line]:
    text = raw.decode("utf-8", "replace").strip()
    enabled = not text.startswith("#")
    bare = text.lstrip("# ") if not enabled else text
    if not bare:
        return
    try:
        if "\ufffd" in bare:
            raise WrongValue(Wrong.NOT_UTF8)
        yield Line(number, text[:_SHOWN], read_value(kind, bare), None, enabled)
    except WrongValue as wrong:
        if enabled:
            yield Line(number, text[:_SHOWN], None, wrong, enabled)
