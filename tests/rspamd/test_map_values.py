"""What is typed for each kind of map, its normal form, and what is refused and why."""

import pytest

from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import Caution, Wrong, WrongValue, read_value

A, D, AD, H = MapKind.ADDRESS, MapKind.DOMAIN, MapKind.ADDRESS_OR_DOMAIN, MapKind.HOST

NORMAL = [
    (A, "Bob@Example.COM", "bob@example.com"),
    (A, "  bob@example.com.\t", "bob@example.com"),
    (A, "\ufeffbob@example.com\r\n", "bob@example.com"),
    (A, "Bob B. <Bob@example.com>", "bob@example.com"),
    (A, "bob@bücher.example", "bob@xn--bcher-kva.example"),
    (A, "bob@XN--BCHER-KVA.example", "bob@xn--bcher-kva.example"),
    (A, "bob@straße.example", "bob@xn--strae-oqa.example"),
    (A, "ÄB@example.com", "Äb@example.com"),
    (A, "u\u0308@example.com", "ü@example.com"),
    (A, '"bob"@example.com', "bob@example.com"),
    (A, '"john doe"@example.com', "john doe@example.com"),
    (A, "bob+news@example.com", "bob@example.com"),
    (A, "J.Doe+x@Gmail.com", "jdoe@gmail.com"),
    (A, "+bob@example.com", "+bob@example.com"),
    (A, "bob@[192.0.2.1]", "bob@[192.0.2.1]"),
    (A, "bob@[IPv6:2001:DB8::1]", "bob@[2001:db8::1]"),
    (A, "prvs=123=bob/x@example.com", "prvs=123=bob/x@example.com"),
    (D, "Example.COM.", "example.com"),
    (D, "@example.com", "example.com"),
    (D, "faß.de", "xn--fa-hia.de"),
    (D, "例え。テスト", "xn--r8jz45g.xn--zckzah"),
    (D, "💩.la", "xn--ls8h.la"),
    (D, "_dmarc.example.com", "_dmarc.example.com"),
    (AD, "*@Example.com", "example.com"),
    (AD, "@example.com", "example.com"),
    (AD, "x@example.com", "x@example.com"),
    (MapKind.IP, "192.0.2.77/24", "192.0.2.0/24"),
    (MapKind.IP, "192.0.2.1/32", "192.0.2.1"),
    (MapKind.IP, "192.0.2.0/255.255.255.0", "192.0.2.0/24"),
    (MapKind.IP, "2001:DB8:0:0::1/128", "2001:db8::1"),
    (MapKind.IP, "2001:DB8::1/32", "2001:db8::/32"),
    (MapKind.IP, "[2001:db8::1]", "2001:db8::1"),
    (MapKind.IP, "::ffff:192.0.2.1", "192.0.2.1"),
    (MapKind.IP, "::ffff:192.0.2.0/120", "192.0.2.0/24"),
    (MapKind.IP, "::1.2.3.4/120", "::102:300/120"),
    (MapKind.ASN, "AS64500", "64500"),
    (MapKind.ASN, "asn 064500", "64500"),
    (MapKind.COUNTRY, "de", "DE"),
    (MapKind.URL, "HTTPS://Bücher.example/A?b=C#d", "https://xn--bcher-kva.example/a?b=c#d"),
    (MapKind.URL, "http://example.com/%7Ea%20b%2Fc%C3%BC?%2541&%ff&%0a", "http://example.com/~a%20b/cü?a&%ff&%0a"),
    (MapKind.URL, "http://example.com:8080/", "http://example.com:8080/"),
    (H, "MX.example.com", "mx.example.com"),
    (H, "2001:DB8::1", "2001:db8::1"),
    (H, "[192.0.2.1]", "[192.0.2.1]"),
    (MapKind.TEXT, "Rechnung  Nr. #5", "rechnung  nr. #5"),
    (MapKind.TEXT, '"Rechnung Nr. 5"', "rechnung nr. 5"),
    (MapKind.TEXT, "a\tb", "a b"),
    (MapKind.TEXT, "ÜBER", "Über"),
    (MapKind.TEXT, "/slash", "/slash"),
    (MapKind.VIRUS, "Eicar-Signature", "eicar-signature"),
    (MapKind.PAIR, "Bob@Example.com|carol+shop@example.net", "bob@example.com|carol@example.net"),
    (MapKind.PAIR, "example.com \t carol@example.net", "example.com|carol@example.net"),
    (MapKind.PAIR, "@example.com , @bücher.example", "example.com|xn--bcher-kva.example"),
    (MapKind.REGEXP, "/a/b c/si", "/a\\/b c/is"),
    (MapKind.REGEXP, "/a\\/[/]#/", "/a\\/[\\/]#/"),
]

WRONG = [
    (A, "", Wrong.EMPTY, ""),
    (A, " \u2028\t", Wrong.EMPTY, ""),
    (A, "#bob@example.com", Wrong.REMARK, "#bob@example.com"),
    (A, "bob", Wrong.ADDRESS, "bob"),
    (A, "@example.com", Wrong.ADDRESS, "@example.com"),
    (A, "bob@", Wrong.ADDRESS, "bob@"),
    (A, "<>", Wrong.ADDRESS, "<>"),
    (A, "bob@carol@example.com", Wrong.LOCAL_PART, "bob@carol"),
    (A, "a,b@example.com", Wrong.LOCAL_PART, "a,b"),
    (A, f"{'x' * 65}@example.com", Wrong.LOCAL_PART, "x" * 65),
    (A, f"bob@{'x' * 60}.{'x' * 60}.{'x' * 60}.{'x' * 60}.example", Wrong.TOO_LONG, None),
    (A, "bob@exa_mple..com", Wrong.DOMAIN, "exa_mple..com"),
    (A, "bob@example.com\nmallory@example.com", Wrong.HIDDEN, "U+000A"),
    (A, "bob@exam\u200bple.com", Wrong.HIDDEN, "U+200B"),
    (A, "bob\0@example.com", Wrong.HIDDEN, "U+0000"),
    (A, "bob@example.com\u2028carol@example.com", Wrong.HIDDEN, "U+2028"),
    (A, "bob\u202e@example.com", Wrong.HIDDEN, "U+202E"),
    (A, "bob@\ud800.com", Wrong.HIDDEN, "U+D800"),
    (A, "bob@example.com no symbol", Wrong.DOMAIN, None),
    (D, "bob@example.com", Wrong.ADDRESS_FOR_DOMAIN, "bob@example.com"),
    (D, ".example.com", Wrong.SUBDOMAINS, ".example.com"),
    (D, "*.example.com", Wrong.SUBDOMAINS, "*.example.com"),
    (D, "192.0.2.1", Wrong.DOMAIN, "192.0.2.1"),
    (D, "-example.com", Wrong.DOMAIN, "-example.com"),
    (D, "exa mple.com", Wrong.DOMAIN, "exa mple.com"),
    (D, "example.com/path", Wrong.DOMAIN, "example.com/path"),
    (MapKind.IP, "192.0.2.256", Wrong.IP, "192.0.2.256"),
    (MapKind.IP, "192.0.2.01", Wrong.IP, "192.0.2.01"),
    (MapKind.IP, "192.0.2.0/33", Wrong.IP, "192.0.2.0/33"),
    (MapKind.IP, "fe80::1%eth0", Wrong.IP, "fe80::1%eth0"),
    (MapKind.IP, "١٩٢.0.2.1", Wrong.IP, "١٩٢.0.2.1"),
    (MapKind.IP, "192.0.2.1,192.0.2.2", Wrong.IP, None),
    (MapKind.ASN, "0", Wrong.ASN, "0"),
    (MapKind.ASN, "4294967296", Wrong.ASN, "4294967296"),
    (MapKind.COUNTRY, "DEU", Wrong.COUNTRY, "DEU"),
    (MapKind.COUNTRY, "ÄÖ", Wrong.COUNTRY, "ÄÖ"),
    (H, "mx_1..example.com", Wrong.HOST, "mx_1..example.com"),
    (MapKind.URL, "example.com/path", Wrong.URL, "example.com/path"),
    (MapKind.URL, "http://", Wrong.URL, "http://"),
    (MapKind.URL, "http://[::1/", Wrong.URL, "http://[::1/"),
    (MapKind.URL, "http://example.com:99999/", Wrong.URL, None),
    (MapKind.URL, "http://example.com/a b", Wrong.BLANK, None),
    (MapKind.TEXT, 'say "hi" to', Wrong.QUOTES, None),
    (MapKind.TEXT, '"', Wrong.QUOTES, '"'),
    (MapKind.TEXT, "ends so \\", Wrong.QUOTES, None),
    (MapKind.TEXT, '"#remark"', Wrong.REMARK, None),
    (MapKind.TEXT, "x" * 601, Wrong.TOO_LONG, None),
    (MapKind.KEY_VALUE, "key", Wrong.NO_DATA, "key"),
    (MapKind.KEY_VALUE, "key with #", Wrong.DATA, "with #"),
    (MapKind.PAIR, "bob@example.com", Wrong.PAIR, None),
    (MapKind.PAIR, "bob@example.com|", Wrong.PAIR, None),
    (MapKind.PAIR, "a@x.de|b@x.de|c@x.de", Wrong.PAIR, None),
    (MapKind.PAIR, '"a|b"@x.de|c@x.de', Wrong.PAIR, None),
    (MapKind.REGEXP, "invoice", Wrong.REGEXP_FORM, "invoice"),
    (MapKind.REGEXP, "/invoice", Wrong.REGEXP_FORM, "/invoice"),
    (MapKind.REGEXP, "/invoice\\/", Wrong.REGEXP_FORM, None),
    (MapKind.REGEXP, "//", Wrong.EMPTY, ""),
    (MapKind.REGEXP, "/a/ig", Wrong.REGEXP_FLAG, "g"),
    (MapKind.REGEXP, "/\\Qa/b\\E/", Wrong.REGEXP_SLASH, None),
    (MapKind.REGEXP, "/a/ not a symbol", Wrong.SYMBOL, "not a symbol"),
]


@pytest.mark.parametrize(("kind", "typed", "normal"), NORMAL)
def test_a_value_has_one_normal_form(kind: MapKind, typed: str, normal: str) -> None:
    assert read_value(kind, typed).text == normal
    assert read_value(kind, normal).text == normal


@pytest.mark.parametrize(("kind", "typed", "reason", "detail"), WRONG)
def test_a_wrong_value_says_why(kind: MapKind, typed: str, reason: Wrong, detail: str | None) -> None:
    with pytest.raises(WrongValue) as caught:
        read_value(kind, typed)
    assert caught.value.reason is reason
    assert detail is None or caught.value.detail == detail


@pytest.mark.parametrize(
    ("kind", "typed", "caution"),
    [
        (MapKind.IP, "192.0.2.77/24", Caution.MASKED),
        (MapKind.IP, "2001:db8::1/32", Caution.MASKED),
        (MapKind.IP, "0.0.0.0/0", Caution.WIDE),
        (MapKind.IP, "2000::/3", Caution.WIDE),
        (D, "раypal.com", Caution.MIXED_SCRIPTS),
        (D, "xn--ypal-43d9g.com", Caution.MIXED_SCRIPTS),
        (D, "localhost", Caution.NO_DOT),
        (A, "bob+news@example.com", Caution.ALIAS),
        (A, "j.doe@gmail.com", Caution.ALIAS),
        (A, "jdoe@googlemail.com", Caution.GOOGLEMAIL),
        (A, "john doe@example.com", Caution.BLANK),
        (MapKind.COUNTRY, "UK", Caution.UNKNOWN_COUNTRY),
    ],
)
def test_what_is_right_but_odd_has_a_caution(kind: MapKind, typed: str, caution: Caution) -> None:
    assert caution in read_value(kind, typed).warnings


@pytest.mark.parametrize("typed", ["bücher.example", "paypal.com", "почта.рф", "例え.jp"])
def test_an_honest_name_has_none(typed: str) -> None:
    assert read_value(D, typed).warnings == ()


@pytest.mark.parametrize(
    ("kind", "typed", "symbol", "score"),
    [
        (A, "bob@example.com LIST_BOB:2.50", "LIST_BOB", 2.5),
        (A, "bob@example.com LIST_BOB", "LIST_BOB", None),
        (A, "bob@example.com  -3", "", -3.0),
        (MapKind.ASN, "AS 64500", "", None),
        (MapKind.TEXT, "word LIST_BOB:2", "", None),
        (MapKind.TEXT, '"a word" LIST_BOB:2', "LIST_BOB", 2.0),
        (MapKind.PAIR, "example.com example.net BOB:1", "BOB", 1.0),
        (MapKind.REGEXP, "/a b/i INVOICE:2.5", "INVOICE", 2.5),
        (MapKind.REGEXP, "/a b/i 0.5 # seen", "", 0.5),
    ],
)
def test_a_symbol_and_a_score_may_stand_behind(kind: MapKind, typed: str, symbol: str, score: float | None) -> None:
    found = read_value(kind, typed)
    assert (found.symbol, found.score) == (symbol, score)


def test_what_is_given_counts_more_than_what_stands_behind() -> None:
    found = read_value(A, "bob@example.com BOB:2", symbol="CAROL", score=3)
    assert (found.text, found.symbol, found.score) == ("bob@example.com", "CAROL", 3.0)


@pytest.mark.parametrize(("symbol", "score"), [("NO SYMBOL", None), ("A-B", None), ("", float("nan")), ("", 1e9), ("X" * 65, None)])
def test_no_symbol_and_no_score(symbol: str, score: float | None) -> None:
    with pytest.raises(WrongValue) as caught:
        read_value(A, "bob@example.com", symbol=symbol, score=score)
    assert caught.value.reason in (Wrong.SYMBOL, Wrong.SCORE)


def test_a_key_stands_for_something() -> None:
    found = read_value(MapKind.KEY_VALUE, "Example.com  25 a minute")
    assert (found.text, found.data) == ("example.com", "25 a minute")
    found = read_value(MapKind.KEY_VALUE, "two words", data=" 25 ")
    assert (found.text, found.data) == ("two words", "25")
    found = read_value(MapKind.KEY_VALUE, '"two words" 25')
    assert (found.text, found.data) == ("two words", "25")
    for wrong in ({"data": "a\nb"}, {"data": "a#b"}, {"data": "25", "score": 1.0}, {"data": "x" * 1001}):
        with pytest.raises(WrongValue):
            read_value(MapKind.KEY_VALUE, "key", **wrong)  # type: ignore[arg-type]
    with pytest.raises(WrongValue):
        read_value(A, "bob@example.com", data="25")


def test_a_pair_knows_its_sides() -> None:
    found = read_value(MapKind.PAIR, "Bob@example.com | example.net")
    assert (found.sender, found.rcpt) == ("bob@example.com", "example.net")
