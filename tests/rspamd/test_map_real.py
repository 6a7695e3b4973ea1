"""A real Rspamd reads what is published as it was meant."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from app.rspamd.map_kinds import MapKind
from app.rspamd.map_text import line_of
from app.rspamd.map_values import read_value
from tests.rspamd.map_parser import parse_map
from tests.servers.rspamd import Rspamd

_RULES = """
TEXTS { type = "header"; header = "X-Text"; map = "%(inside)s/texts.map"; score = 1; }
REGEXPS { type = "header"; header = "X-Text"; regexp = true; multi = true; map = "%(inside)s/regexps.map"; score = 1; }
SENDERS { type = "from"; extract_from = "smtp"; map = "%(inside)s/senders.map"; score = 1; }
NETWORKS { type = "ip"; map = "%(inside)s/networks.map"; score = 1; }
URLS { type = "url"; filter = "full"; map = "%(inside)s/urls.map"; score = 1; }
PAIRS { type = "selector"; selector = "from('smtp'):addr.lower;rcpts:addr.lower.uniq.join(',')"; delimiter = "|";
  map = "%(inside)s/pairs.map"; score = 1; }
"""
# Each with what a mail may have.
TEXTS = {
    "plain": "Plain",
    "two  blanks": "two  blanks",
    "a # b": "a # b",
    "#5 is no remark": None,
    "bill #5": "Bill #5",
    "/slash": "/slash",
    "/a/b c": "/a/b c",
    'in"side': 'in"side',
    'back\\"slash quote': 'back\\"slash quote',
    "a\\#b": "a\\#b",
    "ends with\\\\": "ends with\\\\",
    "ends\\": "ends\\",
    "{ json }": "{ json }",
    "[x]": "[x]",
    "über alles": "über alles",
    "ÜBER": "ÜBER",
    "non\u00a0breaking": None,
    "*": "*",
    "a:b;c,d": "a:b;c,d",
    "m/x/": "m/x/",
    "a\tb": "a b",
}
REGEXPS = {"/a b#c/": "xa b#c", "/x/y z/i": "X/Y Z", "/[/]q/": "/q", '/say "hi"/': 'say "hi"', "/^ü$/iu": "Ü", r"/\Qa.b\E#/": "a.b#"}
SENDERS = {
    "Bob@Example.com": "bob@EXAMPLE.com",
    "carol+news@example.com": "carol+other@example.com",
    "j.doe@gmail.com": "jd.oe+x@gmail.com",
    '"john doe"@example.com': '<"john doe"@example.com>',
    "a#b@example.com": "a#b@example.com",
    "/x@example.com": "/x@example.com",
    "ä@example.com": "ä@example.com",
    "@bücher.example": "dave@xn--bcher-kva.example",
    "x@[192.0.2.9]": "x@[192.0.2.9]",
}
NETWORKS = {
    "192.0.2.77/24": "192.0.2.1",
    "10.0.0.1": "::ffff:10.0.0.1",
    "::ffff:10.1.0.0/112": "10.1.2.3",
    "2001:DB8::/32": "2001:db8:1::1",
    "2001:db9::1/128": "2001:db9::1",
}
URLS = {
    "HTTPS://Example.com/A%20b%2Fc?%41=%C3%BC#d": "https://example.com/A%20b%2Fc?%41=%C3%BC#d",
    "http://example.com:8080/x": "http://EXAMPLE.com:8080/X",
}
PAIRS = {"Bob@Example.com|carol+shop@example.net": ("BOB@example.com", "Carol+else@EXAMPLE.net")}


def published(kind: MapKind, letter: str, typed: Any) -> str:
    values = [(read_value(kind, text), number) for number, text in enumerate(typed) if not text.startswith("#")]
    text = "".join(line_of(kind, value.text, "", f"{letter}{number}", 1.0) + "\n" for value, number in values)
    assert parse_map(text) == [(value.text.replace("%20", " "), f"{letter}{number}:1") for value, number in values]
    return text


class WithMaps(Rspamd):
    def _write_config(self, *given: Any) -> None:
        super()._write_config(*given)
        (self.folder / "local.d/multimap.conf").write_text(_RULES % {"inside": self.inside})
        maps = {
            "texts": published(MapKind.TEXT, "T", TEXTS),
            "regexps": published(MapKind.REGEXP, "R", REGEXPS),
            "senders": published(MapKind.ADDRESS_OR_DOMAIN, "S", SENDERS),
            "networks": published(MapKind.IP, "N", NETWORKS),
            "urls": published(MapKind.URL, "U", URLS),
            "pairs": published(MapKind.PAIR, "P", PAIRS),
        }
        for name, text in maps.items():
            pathlib.Path(self.folder / f"{name}.map").write_text(text)


@pytest.fixture(scope="module")
def rspamd() -> Iterator[Rspamd]:
    with WithMaps("http://127.0.0.1:1/") as server:
        yield server


def scanned(rspamd: Rspamd, letter: str, texts: Any = (), header_from: str = "a@example.org", body: str = "x", **envelope: Any) -> set[str]:
    headers = "".join(f"X-Text: {text}\r\n" for text in texts)
    raw = f"From: {header_from}\r\nTo: b@example.org\r\nSubject: x\r\n{headers}\r\n{body}\r\n".encode()
    found = rspamd.scan(raw, {"from": "q@q.example", "rcpt": ["r@example.org"]} | envelope, "Q")
    return {name for name in found["symbols"] if name[0] == letter and name[1:].isdigit()}


def test_texts_and_regexps(rspamd: Rspamd) -> None:
    meant = {f"T{number}" for number, text in enumerate(TEXTS.values()) if text}
    assert scanned(rspamd, "T", [text for text in TEXTS.values() if text]) == meant
    for number, text in enumerate(REGEXPS.values()):
        assert f"R{number}" in scanned(rspamd, "R", [text])


@pytest.mark.parametrize(("number", "sender"), list(enumerate(SENDERS.values())))
def test_senders(rspamd: Rspamd, number: int, sender: str) -> None:
    """Rspamd 3.4 reads no envelope sender that is not ASCII, and asks for the one in the header."""
    assert scanned(rspamd, "S", header_from=sender, **{"from": sender}) == {f"S{number}"}


@pytest.mark.parametrize(("number", "address"), list(enumerate(NETWORKS.values())))
def test_networks(rspamd: Rspamd, number: int, address: str) -> None:
    assert scanned(rspamd, "N", ip=address) == {f"N{number}"}


def test_urls(rspamd: Rspamd) -> None:
    for number, url in enumerate(URLS.values()):
        assert scanned(rspamd, "U", body=f"see {url} now") == {f"U{number}"}


def test_pairs_of_a_single_recipient(rspamd: Rspamd) -> None:
    for number, (sender, rcpt) in enumerate(PAIRS.values()):
        assert scanned(rspamd, "P", **{"from": sender, "rcpt": [rcpt]}) == {f"P{number}"}
        assert scanned(rspamd, "P", **{"from": sender, "rcpt": [rcpt, "dave@example.net"]}) == set()
