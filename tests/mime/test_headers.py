"""Header fields as attackers and old mailers write them."""

import pytest

from app.mime.addresses import addresses_of
from app.mime.headers import address_in, address_of, block_text, clean, decode_value, header_block, parse_headers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?w6k=?= =?UTF-8?B?w6k=?=", "éé"),
        (b"=?UTF-8?Q?=CF?==?UTF-8?Q?=83?=", "σ"),
        (b"=?UTF-8?Q?=CF?=\r\n =?UTF-8?Q?=83?=", "σ"),
        (b"a =?iso-8859-7?Q?=CA?= b", "a Κ b"),
        (b"=?iso-8859-7?Q?=CA?= =?utf-8?q?x?=", "Κx"),
        (b"=?windows-1251?B?z/Do4uXy?=", "Привет"),
        (b"=?gb18030?B?xOO6ww==?=", "你好"),
        (b"=?no-such-charset?Q?x=E9?=", "xé"),
        (b"=?hex?Q?41?=", "41"),
        (b"=?utf-8?b?not base64!?=", "=?utf-8?b?not base64!?="),
        (b"=?utf-8?b?!!!?=", ""),
        (b"=?utf-8?b?w6k=w?=", "é"),
        (b"=?utf-8?q?with blanks =C3=A9?=", "with blanks é"),
        (b"=?utf-8*en?q?l=C3=A9?=", "lé"),
        (b"=?UTF-8?Q?=CF?= =?utf-8?b?gw==?=", "σ"),
        (b"=?us-ascii?q?=E9?=", "é"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?ks_c_5601-1987?B?vsiz5w==?=", "안녕"),
        (b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?idna?q?xn--caf-dma?=", "xn--caf-dma"),
        (b"=?unicode_escape?q?=5Cd?=", "\\d"),
        (b"=?../../etc/passwd?q?x?=", "=?../../etc/passwd?q?x?="),
        (b"=?utf-16?q?=FF?=", "\ufffd"),
        (b"=?utf-8?q?" * 20_000, "=?utf-8?q?" * 20_000),
        (b"=?utf-8?b?w6?=", "\ufffd"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"a\x00b", "a\ufffdb"),
        (b"=?utf-8?q?a=0D=0AX-Evil:_b?=", "a X-Evil: b"),
        (b"=?", "=?"),
        (b"=?utf-8?q?" + b"a" * 50_000 + b"?=", "a" * 50_000),
    ],
)
def test_a_value_is_decoded(value: bytes, text: str) -> None:
    assert decode_value(value) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Alice <Alice@Example.NET>", "alice@example.net"),
        ("alice@example.net", "alice@example.net"),
        ('"bob@bank.example" <evil@example.org>', "evil@example.org"),
        ("bob@bank.example <evil@example.org>", "evil@example.org"),
        ("<evil@example.org> bob@bank.example", "evil@example.org"),
        ("Συνάδελφος <δοκιμή@παράδειγμα.gr>", "δοκιμή@παράδειγμα.gr"),
        ("a@example.com, b@example.com", "a@example.com"),
        ("MAILER-DAEMON <>", ""),
        ("", ""),
        ("nobody", ""),
        ("@", ""),
        ("<@@@>", ""),
        ("a" * 100_000 + "@", ""),
        ("<" * 4000 + "@", ""),
        ('"' * 4000 + "@", ""),
        ("(" * 4000 + "@", ""),
        ('"a, b" <x@example.net>', "x@example.net"),
        ('"bob@bank.example" <bob@bank.example> <evil@example.org>', "evil@example.org"),
        ('"bob@bank.example\\" <bob@bank.example>" <evil@example.org>', "evil@example.org"),
        ("(bob@bank.example) evil@example.org", "evil@example.org"),
        ("(x (bob@bank.example) bob@bank.example) evil@example.org", "evil@example.org"),
        ("Smile :( <evil@example.org>", "evil@example.org"),
        ("evil@example.org (bob@bank.example)", "evil@example.org"),
        ("Team: a@example.com, b@example.com;", "a@example.com"),
        ("bob@bank.example: <evil@example.org>", "evil@example.org"),
        ("undisclosed-recipients:;", ""),
        ("<@one.example,@two.example:user@example.com>", "user@example.com"),
        ('"john doe"@example.com', '"john doe"@example.com'),
        ("user@[192.0.2.1]", "user@[192.0.2.1]"),
        ("user@example.com.", "user@example.com"),
        ("Bob <evil@example.org", "evil@example.org"),
        ("MAILER-DAEMON <>, a@example.com", "a@example.com"),
    ],
)
def test_the_address_is_the_one_mail_is_answered_to(text: str, address: str) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    ("raw", "block"),
    [
        (b"A: b\r\nC: d\r\n\r\nbody", b"A: b\r\nC: d"),
        (b"A: b\n\nbody\r\n\r\n", b"A: b"),
        (b"\r\nbody", b""),
        (b"", b""),
        (b"A: b", b"A: b"),
        (b"A: b\r\nC: d\n\nbody\r\n\r\nmore", b"A: b\r\nC: d"),
        (b"A: b\n\r\nbody", b"A: b"),
        (b"A: b\rC: d\r\rbody", b"A: b\rC: d"),
        (b"A: " + b"x" * 2000 + b"\r\n\r\nbody", b"A: " + b"x" * 2000),
    ],
)
def test_the_block_ends_at_the_first_empty_line(raw: bytes, block: bytes) -> None:
    assert header_block(raw) == block


def test_fields_are_unfolded_in_order_and_rubbish_is_passed_over() -> None:
    block = b"Subject: a\r\n\tb\r\nno field here\r\nFrom : x\r\n: empty name\r\nSUBJECT:second"
    assert parse_headers(block) == [("subject", b"a b"), ("from", b"x"), ("subject", b"second")]


def test_only_what_is_asked_for_is_returned() -> None:
    assert parse_headers(b"From: x\r\nTo: y\r\nFROM: z", {"from"}) == [("from", b"x"), ("from", b"z")]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"=?utf-8?q?=22bob=40bank=2Eexample=22_=3Cbob=40bank=2Eexample=3E?= <evil@example.org>", "evil@example.org"),
        (b"=?utf-8?q?=3Cbob=40bank=2Eexample=3E=2C?= <evil@example.org>", "evil@example.org"),
        (b"=?utf-8?q?bob@bank.example,?= <evil@example.org>", "evil@example.org"),
        (b'"=?utf-8?q?x=22_=3Cbob=40bank=2Eexample=3E=2C?=" <evil@example.org>', "evil@example.org"),
        (b"=?utf-8?q?alice=40example=2Enet?=", "alice@example.net"),
        (b"caf\xe9 <a@example.net>", "a@example.net"),
        (b"", ""),
    ],
)
def test_what_an_encoded_word_says_is_a_name_and_no_address(value: bytes, address: str) -> None:
    assert address_in(value) == address


def test_the_block_is_shown_line_by_line() -> None:
    assert block_text(b"A: caf\xe9\r\nB: caf\xc3\xa9\0") == "A: café\r\nB: café\ufffd"
    many = block_text(b"A: caf\xe9\nB: caf\xc3\xa9\n" * 1001).split("\n")  # beyond so many lines they are read as one
    assert many[:2000] == ["A: café", "B: café"] * 1000
    assert many[2000:] == ["A: café", "B: cafÃ©", ""]


def test_strangers_cannot_make_python_remember_their_names() -> None:
    import encodings

    known = set(encodings._cache)  # type: ignore[attr-defined]
    decode_value(b" ".join(b"=?x-unheard-%d?q?a?=" % number for number in range(100)))
    assert not any("unheard" in str(name) for name in set(encodings._cache) - known)  # type: ignore[attr-defined]


def test_huge_headers_are_bounded() -> None:
    assert len(header_block(b"A: " + b"x" * (5 << 20))) <= 1 << 20
    assert len(parse_headers(b"A: b\r\n" * 100_000)) <= 2000


def test_text_is_made_fit_for_a_database() -> None:
    assert clean("a\0b\ud800c") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    "text",
    ['"' + '\\"' * 100_000, "a<>" * 80_000, "<" + "a," * 120_000, '"a"@' * 60_000, "(" * 200_000, '"\\' * 80_000],
    ids=["quotes", "angles", "commas", "quoted", "comments", "escapes"],
)
def test_no_list_of_addresses_costs_more_than_its_length(text: str) -> None:
    """One that cost the square of it would not end while anybody waits."""
    assert len(list(addresses_of(text))) <= len(text)
    address_of(text + "@")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"x\\"y <no@where.example>" <a@b.example>, c@d.example', ["a@b.example", "c@d.example"]),
        ("list: a@b.example, <@route:c@d.example>;", ["a@b.example", "c@d.example"]),
        ('"unfinished <a@b.example>', ["a@b.example"]),
    ],
)
def test_addresses_are_found_in_lists(text: str, found: list[str]) -> None:
    assert list(addresses_of(text)) == found
