"""Templates without any logic: {{name}}; {{#name}}...{{/name}} where it is so, or for each; {{^name}}...{{/name}} where it is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from html import escape
from typing import Any

LONGEST_TEMPLATE = 60_000
LONGEST_OUTPUT = 2_000_000
_DEEPEST = 20
TAG = re.compile(r"\{\{ ?([#^/]?) ?([a-z][a-z_]{0,39}) ?\}\}")
# In a style }} closes two things, so only what opens is a name that was written wrong; and a third brace is how others ask for no escaping.
_BRACES = re.compile(r"\{\{|\{$")
# Characters that no text of a letter has: nobody sees them, and some databases and mail servers do not take them.
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@unique
class Wrong(StrEnum):
    LONG = "long"
    HIDDEN = "hidden"
    SYNTAX = "syntax"
    UNKNOWN = "unknown"
    UNCLOSED = "unclosed"
    UNOPENED = "unopened"
    TWICE = "twice"  # a list in a list: it would be as long as both multiplied
    DEEP = "deep"
    NO_VALUE = "no value"  # a list or a question, which has no words of its own
    TAG = "tag"
    ATTRIBUTE = "attribute"
    PLACE = "place"  # a name stands where its words could mean something
    TARGET = "target"
    STYLE = "style"


class WrongTemplate(ValueError):
    """`name` is the piece that is wrong."""

    def __init__(self, why: Wrong, line: int, name: str = "") -> None:
        super().__init__(f"line {line}: {why} {name}".rstrip())
        self.why = why
        self.line = line
        self.name = name[:100]


class TooMuch(Exception):
    """What a template makes of the values is longer than any letter."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a template may name: values, questions that are only asked, and lists with what each of theirs has besides."""

    values: frozenset[str]
    questions: frozenset[str] = frozenset()
    lists: Mapping[str, "Names"] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        return name in self.values or name in self.questions or name in self.lists

    def within(self, name: str) -> "Names":
        """And no list in a list."""
        if name not in self.lists:
            return self
        inner = self.lists[name]
        return Names(self.values | inner.values, self.questions | inner.questions | frozenset(self.lists), {})


# A piece: fixed text; a name; or what a name opens, and whether it stands for there being none.
_Piece = tuple[str, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Template:
    pieces: tuple[_Piece, ...]
    is_html: bool

    def fill(self, values: Mapping[str, Any]) -> str:
        """A value is text; an HTML template has it escaped, in every place. A list has mappings. TooMuch where that gets too long."""
        out: list[str] = []
        left = _fill(self.pieces, values, self.is_html, out, LONGEST_OUTPUT)
        if left < 0:
            raise TooMuch
        return "".join(out)


def parse(source: str, names: Names, *, is_html: bool) -> Template:
    """WrongTemplate where it is none."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > LONGEST_TEMPLATE:
        raise WrongTemplate(Wrong.LONG, line_of(source, LONGEST_TEMPLATE))
    if hidden := _HIDDEN.search(source):
        raise WrongTemplate(Wrong.HIDDEN, line_of(source, hidden.start()))
    reader = _Reader(source, names)
    return Template(reader.read(), is_html)


def line_of(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


class _Reader:
    def __init__(self, source: str, names: Names) -> None:
        self.source = source
        self.at = 0
        self.pieces: list[_Piece] = []
        self.names = names
        self.open: list[tuple[re.Match[str], list[_Piece], Names]] = []

    def read(self) -> tuple[_Piece, ...]:
        for tag in TAG.finditer(self.source):
            sign, name = tag.groups()
            start, end = _alone(self.source, tag) if sign else tag.span()
            self._text(start, before_tag=True)
            self.at = end
            if sign == "/":
                self._close(tag, name)
            elif not self.names.knows(name):
                raise self._wrong(Wrong.UNKNOWN, tag)
            elif sign:
                self._open(tag, name)
            elif name not in self.names.values:
                raise self._wrong(Wrong.NO_VALUE, tag)
            else:
                self.pieces.append(("", name, ()))
        self._text(len(self.source))
        if self.open:
            raise self._wrong(Wrong.UNCLOSED, self.open[-1][0])
        return tuple(self.pieces)

    def _text(self, end: int, *, before_tag: bool = False) -> None:
        text = self.source[self.at : end]
        braces = _BRACES.search(text)
        if braces and (before_tag or len(braces[0]) > 1):
            found = self.at + braces.start()
            raise WrongTemplate(Wrong.SYNTAX, line_of(self.source, found), self.source[found : found + 40].split("\n")[0])
        if text:
            self.pieces.append(("text", text, ()))

    def _open(self, tag: re.Match[str], name: str) -> None:
        is_list = name not in self.names.values and name not in self.names.questions
        outer = self.names
        if tag[1] == "#" and name in self.names.questions and any(name in names.lists for _tag, _pieces, names in self.open):
            raise self._wrong(Wrong.TWICE, tag)
        if len(self.open) == _DEEPEST:
            raise self._wrong(Wrong.DEEP, tag)
        self.open.append((tag, self.pieces, outer))
        self.pieces = []
        if is_list and tag[1] == "#":
            self.names = outer.within(name)

    def _close(self, tag: re.Match[str], name: str) -> None:
        if not self.open or self.open[-1][0][2] != name:
            if self.open:
                raise self._wrong(Wrong.UNCLOSED, self.open[-1][0])
            raise self._wrong(Wrong.UNOPENED, tag)
        opened, pieces, self.names = self.open.pop()
        pieces.append((opened[1], name, tuple(self.pieces)))
        self.pieces = pieces

    def _wrong(self, why: Wrong, tag: re.Match[str]) -> WrongTemplate:
        return WrongTemplate(why, line_of(self.source, tag.start()), tag[0])


def _alone(source: str, tag: re.Match[str]) -> tuple[int, int]:
    """A line that has nothing but the beginning or end of a section leaves no empty one behind."""
    start, end = tag.span()
    before = source.rfind("\n", 0, start) + 1
    after = source.find("\n", end)
    after = len(source) if after < 0 else after + 1
    if source[before:start].strip(" \t") or source[end:after].strip(" \t\n"):
        return start, end
    return before, after


def _fill(pieces: tuple[_Piece, ...], values: Mapping[str, Any], is_html: bool, out: list[str], left: int) -> int:
    """How much may still come; less than nothing: too much has."""
    for sign, name, inner in pieces:
        if left < 0:
            return left
        if sign == "text":
            out.append(name)
            left -= len(name)
            continue
        value = values[name]
        if not sign:
            text = escape(value) if is_html else value
            out.append(text)
            left -= len(text)
        elif sign == "^":
            left = left if value else _fill(inner, values, is_html, out, left)
        elif isinstance(value, list):
            for each in value:
                left = _fill(inner, {**values, **each}, is_html, out, left)
        elif value:
            left = _fill(inner, values, is_html, out, left)
    return left
