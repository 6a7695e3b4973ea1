"""Regexps: what we take Rspamd takes, what we refuse it refuses, and none can hold us up."""

import pathlib
import subprocess

import pytest

from app.rspamd import map_regexp
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_regexp import Match, matches, split_regexp, try_all, try_any
from app.rspamd.map_values import Caution, Wrong, WrongValue, read_value
from tests.servers.process import need

GOOD = [
    r"/^invoice [0-9]+$/i",
    r"/a\/b/",
    "/a/b c/",
    r"/[/#\/]x/",
    r"/\Qa.b\E+/",
    r"/(?<name>a)\k<name>(?&name)/",
    r"/(?i)a(?#remark)b/x",
    r"/(*UTF)ü/",
    r"/\p{Lu}\x{e4}/u",
    r"/a++(?>b+)(?|c|d)/",
    r"/(?(?=a)ab|c)/",
    r"/\A\R\h\N\z/",
    r"/[[:alpha:]]\d{2,}/m",
    r"/(a|(?R))b/",
    "/ä#ö ü/u",
    r"/a/imsxuOL",
    r"/\x{e4}/",
    "/a{70000/",
    "/]/",
    "/(?<=a{2}[b]|c)d/",
    "/(?<!(?:ab|cd))e/",
    "/{,}{a}{1,2,}/",
]
BAD = [
    "/(/",
    "/a)/",
    "/[a/",
    "/a**/",
    r"/\u0041/",
    r"/\p{Nothing}/u",
    "/(?<=a*)b/",
    "/a{70000}/",
    r"/(?<n>a)(?<n>b)/",
    "/(?P<1a>x)/",
    r"/\g{5}/",
]
BAD += [r"/(*NONSENSE)a/", "/[z-a]/", "/(?z)a/", r"/\x{110000}/u", r"/\N{U+20}/", "/" + "(" * 300 + ")" * 300 + "/", r"/a\c/", "/+/"]
SLOW = [
    "/(a+)+$/",
    "/^(a|aa)+$/",
    r"/^(\w+\s?)*$/",
    "/^x(a+)+y$/",
    "/((a|b|ab)*)c/",
    "/(.*a){20}/",
    "/^(?:.*,){11}P/",
    "/(a*)*b/",
    "/(?:[a-z0-9]+-?)*[.]com/",
]
QUICK = [
    r"/^[\w.+-]+@([a-z0-9-]+\.)+[a-z]{2,}$/i",
    "/(?>a+)+b/",
    "/(a++)+b/",
    r"/\b(?:viagra|cialis)\b/i",
    "/<a[^>]+href=.*>.*x/",
    "/(abc)+d/",
]
SAMPLES = [
    ("/a.b/", "a\u2028b"),
    ("/a.b/s", "a\nb"),
    ("/a.b/", "a\rb"),
    ("/a$/m", "a\rb"),
    ("/É/i", "é"),
    ("/É/iu", "é"),
    (r"/^\w$/u", "é"),
    ("/^.$/", "é"),
    ("/^.$/u", "é"),
    ("/a b/x", "ab"),
    ("/a/b#c/", "xa/b#c"),
    (r"/[/]\/x/", "//x"),
    (r"/\Q.\E/", "a"),
]


def body_of(pattern: str) -> str:
    return read_value(MapKind.REGEXP, pattern).text


def refused(pattern: str) -> WrongValue:
    with pytest.raises(WrongValue) as caught:
        read_value(MapKind.REGEXP, pattern)
    return caught.value


def lua(text: str) -> str:
    return "'" + "".join(f"\\{byte:03d}" for byte in text.encode()) + "'"


def test_rspamd_takes_what_we_take_and_finds_what_we_find(tmp_path: pathlib.Path) -> None:
    rspamadm = need("rspamadm")
    taken = [body_of(pattern) for pattern in GOOD + SLOW + QUICK]
    lines = ["local re = require 'rspamd_regexp'", "local function says(what) print(what and 'yes' or 'no') end"]
    lines += [f"says(re.create({lua(pattern)}))" for pattern in taken + BAD]
    lines += [f"says(re.create({lua(body_of(pattern))}):match({lua(text)}))" for pattern, text in SAMPLES]
    script = tmp_path / "tries.lua"
    script.write_text("\n".join(lines))
    said = subprocess.run([rspamadm, "lua", str(script)], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    said = [word for word in said if word in ("yes", "no")]
    assert said[: len(taken)] == ["yes"] * len(taken)
    assert said[len(taken) : -len(SAMPLES)] == ["no"] * len(BAD)
    assert said[-len(SAMPLES) :] == [matches(pattern, text) for pattern, text in SAMPLES]
    assert {refused(pattern).reason for pattern in BAD} == {Wrong.REGEXP}


@pytest.mark.parametrize(("pattern", "position"), [("/ab(/", 4), ("/ab[z-a]/", 7), ("/é(/", 3), ("/a/b**/x", 6)])
def test_a_mistake_is_told_with_its_position(pattern: str, position: int) -> None:
    assert refused(pattern).detail.rpartition(", ")[2] == str(position)


@pytest.mark.parametrize(
    "pattern",
    [
        "/a{,3}/",
        "/a{1, 3}/",
        "/a{ 3 }/",
        r"/\x{ 41 }/",
        r"/[\x{ 41 }]/",
        "/(?aD)a/",
        "/(?r)a/i",
        "/(?<=a{1,2})b/",
        "/(?<!(?:a|bc))d/",
        r"/(?<=\R)a/",
    ],
)
def test_what_versions_of_rspamd_read_differently_is_refused(pattern: str) -> None:
    assert refused(pattern).reason is Wrong.REGEXP_VERSION


@pytest.mark.parametrize("pattern", SLOW)
def test_a_careless_one_has_a_caution(pattern: str) -> None:
    assert read_value(MapKind.REGEXP, pattern).warnings == (Caution.SLOW,)


@pytest.mark.parametrize("pattern", [*QUICK, *GOOD])
def test_a_careful_one_has_none(pattern: str) -> None:
    assert read_value(MapKind.REGEXP, pattern).warnings == ()


@pytest.mark.parametrize("pattern", ["/.*/", "/^/", "/./", "/a?/", "/(?:)/", "/[^\\n]/"])
def test_one_that_matches_everything_says_so(pattern: str) -> None:
    assert read_value(MapKind.REGEXP, pattern).warnings == (Caution.MATCHES_ALL,)


def test_it_ends_where_rspamd_ends_it() -> None:
    assert split_regexp("/a b/i SYM:2") == ("/a b/i", "SYM:2")
    assert split_regexp("/a b/i # http://x/") == ("/a b/i", "# http://x/")
    assert split_regexp("/a/b c/i SYM:2") == ("/a/b c/i", "SYM:2")
    assert split_regexp("/a/b#c/") == ("/a/b#c/", "")


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        ("/(a+)+$/", "a" * 200 + "!"),
        ("/(?:a|a)*c/", "ab" * 50 + "a" * 5000 + "c!" * 10 + "a" * 200_000),
        ("/(.*)(.*)(.*)(.*)(.*)x$/", "ax" * 100_000 + "!"),
        ("/(?R)?a(?R)?b/", "ab" * 2000),
        ("/((?:a|b)*)*(?1)c/", "ab" * 10_000 + "c!"),
        (r"/(a*)\1(?:\1)*b$/", "a" * 50_000),
    ],
)
def test_a_hostile_one_is_stopped(pattern: str, sample: str) -> None:
    assert matches(pattern, sample) in (Match.NO, Match.YES, Match.TOO_SLOW)


def test_what_was_found_before_time_ran_out_counts() -> None:
    found = try_all("/(?:(?:a|b)*)*$(?<!b)/", ["a", "x", "ab" * 40 + "b!" * 3, *["ab" * 5000 + "!"] * 200], seconds=0.5)
    assert found[:2] == [Match.YES, Match.YES]
    assert len(found) == 203


def test_a_sample_may_be_anything() -> None:
    assert try_all("/^$/", ["", "\0", "\ud800", "a\r\n"]) == [Match.YES, Match.NO, Match.NO, Match.NO]
    with pytest.raises(WrongValue):
        matches("/(/", "a")


def test_a_pattern_as_long_as_it_may_be_is_looked_at_quickly() -> None:
    for pattern in ("/" + "(a+)*" * 100 + "/", "/" + "(?:a|b" * 50 + ")*" * 50 + "/", "/" + "a{1,50}" * 80 + "/", "/" + "[" * 590 + "/"):
        try:
            read_value(MapKind.REGEXP, pattern)
        except WrongValue as wrong:
            assert wrong.reason is Wrong.REGEXP


def test_however_it_is_asked_few_processes_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def acquire(self, **_how: float) -> bool:
            return False

    monkeypatch.setattr(map_regexp, "_AT_ONCE", Full())
    assert matches("/a/", "a") is Match.TOO_SLOW
    assert try_any(["/a/"], ["a", "b"], 0.1) == [Match.TOO_SLOW] * 2
