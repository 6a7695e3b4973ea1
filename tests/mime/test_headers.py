"""Header fields as attackers and old mailers write them."""

import pytest

from app.mime.headers import address_of, clean, decode_value, header_block, parse_headers


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
    ],
)
def test_the_block_ends_at_the_first_empty_line(raw: bytes, block: bytes) -> None:
    assert header_block(raw) == block


def test_fields_are_unfolded_in_order_and_rubbish_is_passed_over() -> None:
    block = b"Subject: a\r\n\tb\r\nno field here\r\nFrom : x\r\n: empty name\r\nSUBJECT:second"
    assert parse_headers(block) == [("subject", b"a b"), ("from", b"x"), ("subject", b"second")]


def test_huge_headers_are_bounded() -> None:
    assert len(header_block(b"A: " + b"x" * (5 << 20))) <= 512 << 10
    assert len(parse_headers(b"A: b\r\n" * 100_000)) <= 2000


def test_text_is_made_fit_for_a_database() -> None:
    assert clean("a\0b\ud800c") == "a\ufffdb\ufffdc"
