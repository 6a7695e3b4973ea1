"""Whatever is typed or uploaded: what is published parses back to the same entries, and holds no line more."""

import os
import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_lines import FORMS, Line, read_lines, write_lines
from app.rspamd.map_text import as_compared, line_of
from app.rspamd.map_values import Value, WrongValue, read_value
from tests.rspamd.map_parser import parse_map

ours = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)
KINDS = st.sampled_from(list(MapKind))
PIECES = st.sampled_from(
    "a B . @ # \" ' \\ / | , ; : - + = * [ ] ( ) { } ? ^ $ \\Q \\E \\/ \t \r \n \r\n \f \v \0 \x85 \u2028 \u200b \u202e \ufeff \xa0 ü ß ſ K "
    "bob@example.com example.com 192.0.2.1 2001:db8::/32 ::ffff:1.2.3.4 AS64500 DE https:// /a+/i SYM:3 2.5 key value # xn-- %20 %41 %25 %0a %ff %22 true null 💩".split(
        " "
    )
)
ODD = st.lists(PIECES, max_size=8).map("".join) | st.lists(PIECES, max_size=5).map(" ".join) | st.text(max_size=20)
# What is nearly right, so that much of it is taken.
LIKELY = {
    MapKind.ADDRESS: st.builds("{}@{}".format, ODD, st.sampled_from(["example.com", "[192.0.2.1]", "bücher.example"])),
    MapKind.DOMAIN: st.builds("{}.example.com".format, ODD),
    MapKind.URL: st.builds("https://example.com/{}".format, ODD),
    MapKind.REGEXP: st.builds("/{}/{}".format, ODD | st.text("ab/\\#\"' []QE.+|x^", max_size=9), st.sampled_from(["", "i", "u", " SYM:1"])),
    MapKind.KEY_VALUE: st.builds("{} {}".format, ODD, ODD),
    MapKind.PAIR: st.builds("{}@example.com|{}".format, ODD, st.sampled_from(["b@example.net", "example.net"])),
}


def typed(kind: MapKind) -> st.SearchStrategy[str]:
    return ODD | LIKELY.get(kind, ODD)


def taken(kind: MapKind, text: str) -> Value | None:
    try:
        return read_value(kind, text)
    except WrongValue:
        return None


def meant(kind: MapKind, value: Value) -> str | tuple[str, float | None]:
    return value.data if kind is MapKind.KEY_VALUE else (value.symbol, value.score)


def read_behind(kind: MapKind, behind: str) -> str | tuple[str, float | None]:
    """As Rspamd's multimap reads it: a symbol, a score, or both with a colon between."""
    if kind is MapKind.KEY_VALUE:
        return behind
    symbol, colon, score = behind.rpartition(":")
    if not colon and not re.fullmatch(r"[+-]?[0-9.]+", score):
        symbol, score = score, ""
    return symbol, float(score) if score else None


@ours
@given(st.data(), KINDS)
def test_what_is_published_parses_back_to_the_same_entries(data: st.DataObject, kind: MapKind) -> None:
    found = [taken(kind, text) for text in data.draw(st.lists(typed(kind), max_size=8))]
    values = sorted({value.text: value for value in found if value}.values(), key=lambda value: value.text.encode())
    text = "".join(line_of(kind, value.text, value.data, value.symbol, value.score) + "\n" for value in values)
    parsed = parse_map(text)
    keys = [key.replace(" ", "%20") if kind is MapKind.URL else key for key, _ in parsed]
    assert keys == [value.text for value in values]
    assert [read_behind(kind, behind) for _, behind in parsed] == [meant(kind, value) for value in values]
    assert len(text.splitlines()) == text.count("\n") == len(values)


@ours
@given(st.data(), KINDS)
def test_a_normal_form_is_its_own(data: st.DataObject, kind: MapKind) -> None:
    value = taken(kind, data.draw(typed(kind)))
    if value:
        again = read_value(kind, value.text, data=value.data)
        assert (again.text, again.data, again.sender, again.rcpt) == (value.text, value.data, value.sender, value.rcpt)


@ours
@given(st.data(), KINDS, st.sampled_from(FORMS))
def test_an_export_gives_the_same_entries_back(data: st.DataObject, kind: MapKind, form: str) -> None:
    found = [taken(kind, text) for text in data.draw(st.lists(typed(kind), max_size=5))]
    comments = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20).map(str.strip)
    moments = st.none() | st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2199-01-01")).map(
        lambda at: at.replace(microsecond=0)
    )
    rows = [
        SimpleNamespace(
            value=value.text,
            data=value.data,
            symbol=value.symbol,
            score=value.score,
            comment=data.draw(comments),
            enabled=data.draw(st.booleans()),
            expires_at=data.draw(moments),
        )
        for value in found
        if value
    ]
    written = "".join(write_lines(kind, form, rows)).encode()
    cut = data.draw(st.integers(0, len(written)))
    read = list(read_lines(kind, form, [written[:cut], written[cut:]]))
    assert [line.wrong for line in read] == [None] * len(rows)
    assert [of_line(line, form) for line in read] == [of_row(row, form) for row in rows]


def of_line(line: Line, form: str) -> tuple[Any, ...]:
    assert line.value is not None
    value = line.value
    return (value.text, value.data, value.symbol, value.score, line.comment, line.enabled, None if form == "text" else line.expires_at)


def of_row(row: SimpleNamespace, form: str) -> tuple[Any, ...]:
    expires = None if form == "text" else row.expires_at
    return (row.value, row.data, row.symbol, row.score, row.comment, row.enabled, expires)


@ours
@given(KINDS, st.sampled_from(FORMS), st.lists(st.binary(max_size=60) | ODD.map(lambda text: text.encode("utf-8", "replace")), max_size=6))
def test_any_bytes_are_lines_right_or_wrong(kind: MapKind, form: str, chunks: list[bytes]) -> None:
    for line in read_lines(kind, form, chunks):
        assert (line.value is None) != (line.wrong is None)
        assert line.number >= 1
        assert len(line.text) <= 200
        line.text.encode("utf-8")
        if line.value:
            assert len(parse_map(line_of(kind, line.value.text, line.value.data, line.value.symbol, line.value.score))) == 1


@ours
@given(
    KINDS.filter(lambda kind: kind is not MapKind.REGEXP), st.sampled_from(["text", "csv"]), st.lists(st.binary(max_size=40), max_size=4)
)
def test_a_bad_line_spoils_no_other(kind: MapKind, form: str, bad: list[bytes]) -> None:
    good = {
        MapKind.IP: "192.0.2.1",
        MapKind.ASN: "64500",
        MapKind.COUNTRY: "DE",
        MapKind.URL: "https://example.com/a",
        MapKind.KEY_VALUE: '"two keys",25' if form == "csv" else '"two keys" 25',
        MapKind.PAIR: "bob@example.com|example.net",
        MapKind.ADDRESS: "bob@example.com",
    }.get(kind, "example.com")
    whole = "value,data\n" if form == "csv" else ""
    raw = whole.encode() + b"".join(piece + b"\n" + good.encode() + b"\n" for piece in bad)
    lines = [line for line in read_lines(kind, form, [raw]) if line.value and line.enabled and line.value.text in good.replace('"', "")]
    assert len(lines) >= len(bad)


def test_a_text_is_published_in_the_case_in_which_rspamd_looks_for_it() -> None:
    typed = read_value(MapKind.TEXT, "GRÖẞE ΟΔΟΣ İ").text
    for part in (MapPart.SUBJECT, MapPart.HEADER):
        assert as_compared(MapKind.TEXT, part, typed) == "größe οδοσ i"
    for part in (MapPart.FILENAME, MapPart.USER):
        assert as_compared(MapKind.TEXT, part, typed) == typed, "there Rspamd knows the case of ASCII alone"
    assert as_compared(MapKind.REGEXP, MapPart.SUBJECT, "/Ö/") == "/Ö/"
