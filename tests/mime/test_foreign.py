"""The words of strangers in a letter of ours: seen as they are, and nothing else."""

import re

import pytest

from app.mime.foreign import sender_shown, shown, unlinked

# What mail programs make a link of, taken widely.
LINKED = re.compile(r"\w+:/|www\.\w|\w\.\w{2}|\w@\w|mailto:\w|\w[。．｡]\w")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Invoice 7", "Invoice 7"),
        ("a\r\nBcc: eve@example.net\tx\0", "a Bcc: eve@example.net x\ufffd"),
        ("invoice_\u202egpj.exe\u202c \u2066x\u2069", "invoice_gpj.exe x"),
        ("p\u200bay\u200dpal\ufeff\u00ad", "paypal"),
        ("a\u3164\u2800b \x1b[31mred", "ab [31mred"),
        ("e" + "\u0301" * 50 + "!", "e\u0301\u0301\u0301!"),
        ("Σχετικά με 旅行特惠", "Σχετικά με 旅行特惠"),
        ("\ud800x", "\ufffdx"),
        ("x" * 40, "x" * 19 + "…"),
        ("x " * 100_000, "x " * 9 + "x…"),
    ],
)
def test_one_line_and_nothing_hidden_in_it(text: str, seen: str) -> None:
    assert shown(text, 20 if "x" * 3 in text or "x x" in text else 80) == seen


@pytest.mark.parametrize(
    "text",
    [
        "http://evil.example/x?y=1",
        "HTTPS://EVIL.EXAMPLE",
        "www.evil.example",
        "evil.co",
        "eve@evil.example",
        "mailto:eve@evil.example",
        "evil。example",
        "xn--e1a.рф",
        "192.0.2.44",
    ],
)
def test_nothing_in_it_becomes_a_link(text: str) -> None:
    assert LINKED.search(text)
    made = unlinked(text)
    assert LINKED.search(made) is None
    assert made.replace("\u2060", "") == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("eve@evil.example", "eve@evil.example"),
        ('"Example Mail" <eve@evil.example>', "eve@evil.example"),
        ('"keep@example.com" <eve@evil.example>', "eve@evil.example"),
        ("keep@example.com <", "keep@example.com <"),
        ("", ""),
    ],
)
def test_of_a_sender_the_address_counts(text: str, seen: str) -> None:
    assert sender_shown(text, 80) == seen
