"""Values that are pasted or uploaded: each line by itself, however the file is made and wherever it is cut."""

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest

from app.rspamd.map_kinds import MapKind
from app.rspamd.map_lines import Line, read_lines, write_lines
from app.rspamd.map_records import LONGEST_LINE
from app.rspamd.map_values import Wrong

AD = MapKind.ADDRESS_OR_DOMAIN


def read(kind: MapKind, form: str, text: str | bytes) -> list[Line]:
    raw = text.encode() if isinstance(text, str) else text
    whole = list(read_lines(kind, form, [raw]))
    bytewise = list(read_lines(kind, form, (raw[at : at + 1] for at in range(len(raw)))))
    assert [shown(line) for line in bytewise] == [shown(line) for line in whole]
    return whole


def shown(line: Line) -> tuple[object, ...]:
    return (line.number, line.value and line.value.text, line.wrong and line.wrong.reason, line.enabled, line.comment, line.expires_at)


def brief(lines: Iterable[Line]) -> list[tuple[object, ...]]:
    return [(line.number, line.value.text if line.value else line.wrong and line.wrong.reason, line.enabled) for line in lines]


def test_text_a_line_each() -> None:
    found = read(
        AD,
        "text",
        "# our friends:\r\nBob@example.com # a friend\r\n\r\n#old.example # left us\r# \nexample.com\u2028\nbad line\n# Friends\n",
    )
    assert [(*shown(line)[:2], line.enabled, line.comment) for line in found] == [
        (2, "bob@example.com", True, "a friend"),
        (4, "old.example", False, "left us"),
        (6, "example.com", True, ""),
        (7, None, True, ""),
    ]
    assert found[3].text == "bad line"


def test_a_file_from_a_spreadsheet_or_an_old_editor() -> None:
    text = "example.com\r\nexämple.org\r\n"
    for encoded in (text.encode("utf-8-sig"), text.encode("utf-16"), "\ufeff".encode("utf-16-be") + text.encode("utf-16-be")):
        assert brief(read(AD, "text", encoded)) == [(1, "example.com", True), (2, "xn--exmple-cua.org", True)]
    assert brief(read(AD, "text", "a.example\rb.example")) == [(1, "a.example", True), (2, "b.example", True)]


def test_bytes_that_are_no_text_are_a_wrong_line() -> None:
    found = read(AD, "text", b"a.example\nb\xfc.example\n\x00\nc.example")
    assert brief(found) == [(1, "a.example", True), (2, Wrong.NOT_UTF8, True), (3, Wrong.HIDDEN, True), (4, "c.example", True)]
    assert brief(read(AD, "json", b'["b\xfc.example", "c.example"]')) == [(1, Wrong.NOT_UTF8, True), (1, "c.example", True)]


@pytest.mark.parametrize("form", ["text", "csv"])
def test_a_line_too_long_is_wrong_and_no_other(form: str) -> None:
    chunks: Iterator[bytes] = itertools.chain(
        [b"a.example\n"], itertools.repeat(b"x" * 10_000, 1000), [b"\r\nb.example\n", b"y" * LONGEST_LINE]
    )
    found = list(read_lines(AD, form, chunks))
    assert brief(found[:3]) == [(1, "a.example", True), (2, Wrong.LINE_TOO_LONG, True), (3, "b.example", True)]
    assert all(len(line.text) <= 200 for line in found)


def test_remarks_behind_values() -> None:
    assert [line.comment for line in read(MapKind.ADDRESS, "text", "a@x.de #one\nb@x.de A:1 # two # 2\na#b@x.de")] == ["one", "two # 2", ""]
    found = read(MapKind.TEXT, "text", 'bill #5\nbill # five\n"bill # 5" BILL:1 # six\n"bill"#7')
    assert [(line.value and line.value.text, line.comment) for line in found] == [
        ("bill #5", ""),
        ("bill", "five"),
        ("bill # 5", "six"),
        ("bill", "7"),
    ]
    found = read(MapKind.REGEXP, "text", "/a # b/i BILL:2 # see http://x/\n# /old/\n# a remark\n/a#b/")
    assert [(line.value and line.value.text, line.comment, line.enabled) for line in found] == [
        ("/a # b/i", "see http://x/", True),
        ("/old/", "", False),
        ("/a#b/", "", True),
    ]
    assert [line.value.data for line in read(MapKind.KEY_VALUE, "text", "a 1 # x\nb 2#3") if line.value] == ["1"]


def test_csv_with_and_without_names_of_columns() -> None:
    named = 'Symbol,Value,Comment,Score,Enabled,Expires,Else\nBOB,bob@example.com,"one, two",2.5,no,2027-01-31,x\n'
    (line,) = read(AD, "csv", named)
    assert line.value is not None
    assert (line.value.text, line.value.symbol, line.value.score) == ("bob@example.com", "BOB", 2.5)
    assert (line.comment, line.enabled, line.expires_at, line.number) == ("one, two", False, datetime.fromisoformat("2027-01-31"), 2)
    (line,) = read(AD, "csv", "bob@example.com;;BOB;2,5;;yes;2027-01-31T14:30:00+02:00\n")
    assert (line.value and line.value.score, line.expires_at) == (2.5, datetime.fromisoformat("2027-01-31T12:30"))
    assert brief(read(AD, "csv", "# ours; all; of; them\nvalue,score\na.example,1\n")) == [(3, "a.example", True)]
    (line,) = read(MapKind.PAIR, "csv", "sender,rcpt\nbob@example.com,example.net\n")
    assert line.value is not None
    assert line.value.text == "bob@example.com|example.net"


def test_each_wrong_cell_is_told_and_spoils_no_other() -> None:
    rows = [
        "value,symbol,score,enabled,expires,comment",
        '"open.example,A,1',
        "a.example,A,one",
        "b.example,A,1,perhaps",
        "c.example,A,1,yes,tomorrow",
        f"d.example,A,1,yes,,{'x' * 501}",
        "e.example,A B,1",
        "# f.example,A,1",
        "g.example",
    ]
    assert brief(read(AD, "csv", "\n".join(rows))) == [
        (2, Wrong.FIELDS, True),
        (3, Wrong.SCORE, True),
        (4, Wrong.ENABLED, True),
        (5, Wrong.EXPIRES, True),
        (6, Wrong.COMMENT, True),
        (7, Wrong.SYMBOL, True),
        (8, "f.example", False),
        (9, "g.example", True),
    ]


def test_json_as_a_list_or_in_an_object() -> None:
    elements = [
        "a.example",
        "# b.example",
        {"value": "c.example", "enabled": False, "score": 2, "comment": "x\ny"},
        5,
        ["d"],
        {"value": "d.example"},
        None,
    ]
    for text in (json.dumps(elements, indent=1), json.dumps({"name": ["x"], "entries": elements, "more": 1}, indent=None)):
        found = read(AD, "json", "\ufeff" + text)
        assert [line.value.text if line.value else line.wrong and line.wrong.reason for line in found] == [
            "a.example",
            "b.example",
            "c.example",
            Wrong.FIELDS,
            Wrong.FIELDS,
            "d.example",
            Wrong.FIELDS,
        ]
        assert [line.enabled for line in found[:3]] == [True, False, False]
        assert found[2].comment == "x y"
    assert [line.number for line in read(AD, "json", '[\n"a.example",\n\n{\n"value": "b.example"}]')] == [2, 4]
    assert brief(read(MapKind.ASN, "json", "[64500, 64501]")) == [(1, Wrong.FIELDS, True)] * 2
    assert brief(read(MapKind.ASN, "json", '[{"value": 64500}]')) == [(1, "64500", True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "x",
        "[",
        '{"entries"',
        '{"entries": {}}',
        '["a.example"',
        '["a.example" "b.example"]',
        '["a.example", "b.exa',
        "[" * 100_000,
    ],
)
def test_json_that_ends_half_way_gives_what_was_there_and_one_wrong_line(text: str) -> None:
    found = read(AD, "json", text[:2000]) if len(text) > 2000 else read(AD, "json", text)
    assert [line.value.text for line in found[:-1] if line.value] == (["a.example"] if "a.example" in text else [])
    assert found[-1].wrong is not None
    assert found[-1].wrong.reason is Wrong.JSON


def test_json_without_end_is_held_by_the_piece() -> None:
    def endless() -> Iterator[bytes]:
        yield b'["a.example", "'
        for _ in range(10):
            yield b"x" * 20_000
        raise AssertionError("read on and on")

    assert brief(read_lines(AD, "json", endless()))[0] == (1, "a.example", True)


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    values = ["=1+1", "'=1", "''-2", "+a", "@b", "a|=c", "'quoted'", "-", "\u00a0=x"]
    rows = [
        SimpleNamespace(value=value, data="", symbol="", score=-1.5, comment=f"{value} ", enabled=True, expires_at=None) for value in values
    ]
    written = "".join(write_lines(MapKind.TEXT, "csv", rows))
    for cell in (cell for line in written.splitlines()[1:] for cell in (line.split(",")[0], line.split(",")[4])):
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    again = read(MapKind.TEXT, "csv", written)
    assert [line.value.text for line in again if line.value] == [value.strip() for value in values]
    assert [line.comment for line in again] == [value.strip() for value in values]
    assert {line.value.score for line in again if line.value} == {-1.5}
