"""Text, CSV and JSON taken apart into records, a bounded piece at a time; what cannot be taken apart is a record that says so."""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.rspamd.map_wrong import Wrong, WrongValue

FIELDS = ("value", "data", "symbol", "score", "comment", "enabled", "expires")
LONGEST_LINE = 16_000
_LONGEST_ELEMENT = 64_000
_BLOCK = 65_536
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Record:
    number: int
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    wrong: WrongValue | None = None


def lines_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, str | None, bytes]]:
    """Number, text and bytes of each line, however it ends; the text is None where it is no UTF-8, and where it is longer than a line may
    be, of which no more than that is kept."""
    number = 0
    for number, raw in enumerate(_raw_lines(_utf8(chunks)), 1):
        if len(raw) > LONGEST_LINE:
            yield number, None, raw
            continue
        try:
            yield number, raw.decode("utf-8"), raw
        except UnicodeDecodeError:
            yield number, None, raw


def _raw_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A line ends with LF, CR LF or CR. One that is too long is cut just behind the bound."""
    rest = b""
    skips = False
    for block in _blocks(chunks):
        if b"\r" in block or rest.endswith(b"\r"):
            block = rest + block
            held = b"\r" if block.endswith(b"\r") else b""
            block = block[: len(block) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            *lines, rest = block.split(b"\n")
            rest += held
        else:
            *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if not skips:
                yield line
            skips = False
        if skips:
            rest = b"\r" if rest.endswith(b"\r") else b""
        elif len(rest) > LONGEST_LINE:
            yield rest[: LONGEST_LINE + 1]
            skips, rest = True, b"\r" if rest.endswith(b"\r") else b""
    if rest and not skips:
        yield rest.removesuffix(b"\r")


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """However small the chunks are, what is looked through again and again is not."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Without its mark; a file that begins as UTF-16 does is read as that."""
    start = b""
    blocks = iter(chunks)
    for chunk in blocks:
        start += chunk
        if len(start) >= 3:
            break
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(start).encode("utf-8", "replace")
        for chunk in blocks:
            yield decoder.decode(chunk).encode("utf-8", "replace")
        yield decoder.decode(b"", True).encode("utf-8", "replace")
        return
    yield start.removeprefix(codecs.BOM_UTF8)
    yield from blocks


def unreadable(number: int, raw: bytes) -> Record:
    reason = Wrong.LINE_TOO_LONG if len(raw) > LONGEST_LINE else Wrong.NOT_UTF8
    return Record(number, raw[:LONGEST_LINE].decode("utf-8", "replace"), wrong=WrongValue(reason))


def csv_records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """A line is a record, whatever quotes are left open in it: so none swallows the next. Its first one may name the columns."""
    columns: Sequence[str] | None = None
    delimiter = ","
    for number, text, raw in lines_of(chunks):
        if text is None:
            yield unreadable(number, raw)
            continue
        if not text.strip(" ,;\t"):
            continue
        if columns is None and not text.lstrip().startswith("#"):
            delimiter = _delimiter_of(text)
            columns = _named(_cells(text, delimiter) or ())
            if columns:
                continue
            columns = FIELDS
        cells = _cells(text, delimiter)
        if cells is None:
            yield Record(number, text, wrong=WrongValue(Wrong.FIELDS, text))
        else:
            yield Record(number, text, dict(zip(columns or FIELDS, cells, strict=False)))


def _delimiter_of(text: str) -> str:
    """Of the first line: a spreadsheet may separate by ; or by tabs."""
    return max(_DELIMITERS, key=lambda char: (text.count(char), -_DELIMITERS.index(char)))


def _cells(text: str, delimiter: str) -> list[str] | None:
    if '"' not in text:
        return [cell.lstrip(" ") for cell in text.split(delimiter)]
    try:
        return next(csv.reader((text,), delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return None


def _named(cells: Sequence[str]) -> list[str] | None:
    names = [cell.strip().lower() for cell in cells]
    return names if "value" in names or {"sender", "rcpt"} <= set(names) else None


def json_records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """The elements of a list, or of the list in an object that is called entries. Where it is no JSON any more, one record says so."""
    reader = _JsonReader(_utf8(chunks))
    try:
        reader.enter()
        while (found := reader.element()) is not None:
            yield found
    except WrongValue as wrong:
        yield Record(reader.number, reader.shown(), wrong=wrong)


class _JsonReader:
    """Holds what is read and not yet taken apart: an element and a block at most."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = _blocks(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        self._ended = False
        self._first = True
        self.number = 1

    def enter(self) -> None:
        """Up to the first element."""
        if self._next_char() == "[":
            self._skip(1)
            return
        if self._next_char() != "{":
            raise self._wrong()
        self._skip(1)
        while self._next_char() != "}":
            name = self._decoded()
            if self._next_char() != ":":
                raise self._wrong()
            self._skip(1)
            if name == "entries" and self._next_char() == "[":
                self._skip(1)
                return
            self._decoded()
            if self._next_char() == ",":
                self._skip(1)
        raise WrongValue(Wrong.JSON, "entries")

    def element(self) -> Record | None:
        char = self._next_char()
        if char == "]":
            return None
        if not self._first:
            if char != ",":
                raise self._wrong()
            self._skip(1)
            self._next_char()
        self._first = False
        number = self.number
        value = self._decoded()
        if isinstance(value, str):
            return Record(number, value, {"value": value})
        if isinstance(value, dict):
            return Record(number, str(value.get("value") or json.dumps(value)), value)
        return Record(number, str(value), wrong=WrongValue(Wrong.FIELDS, str(value)))

    def shown(self) -> str:
        return self._text[self._at : self._at + 200].partition("\n")[0].strip()

    def _wrong(self) -> WrongValue:
        return WrongValue(Wrong.JSON, self.shown()[:40])

    def _next_char(self) -> str:
        """The next one that is no blank; empty at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            at = blanks.end() if blanks else self._at
            if at > self._at:
                self._skip(at - self._at)
            if at < len(self._text):
                return self._text[at]
            if not self._more():
                return ""

    def _decoded(self) -> Any:
        self._next_char()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._wrong() from None
            except ValueError:
                end, value = -1, None
            if 0 <= end < len(self._text) or (end >= 0 and self._ended):
                self._skip(end - self._at)
                return value
            # What ends with the block may go on in the next.
            if len(self._text) - self._at > _LONGEST_ELEMENT or not self._more():
                if end >= 0:
                    continue
                raise self._wrong()

    def _skip(self, length: int) -> None:
        self.number += self._text.count("\n", self._at, self._at + length)
        self._at += length

    def _more(self) -> bool:
        block = next(self._blocks, None)
        self._ended = block is None
        self._text = self._text[self._at :] + self._decoder.decode(block or b"", final=self._ended)
        self._at = 0
        return not self._ended
