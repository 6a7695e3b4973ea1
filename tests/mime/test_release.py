"""A mail on its way again: what follows our headers is the mail, byte for byte, and the mark in them is nobody else's."""

import hashlib
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from app.mime.release import Mark, is_released, with_trace

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY, TARGET, SENDER = b"k" * 32, "Bob@example.com", "keep@example.com"
HEAD = b"From: eve@example.net\r\nSubject: hello\r\n"
ODD = {
    "plain": HEAD + b"\r\nhello\r\n",
    "unix": HEAD.replace(b"\r\n", b"\n") + b"\nhello\n",
    "dots": HEAD + b"\r\n.\r\n..\r\n.hidden\r\n",
    "bare": HEAD + b"\r\na\rb\nc\r\r\nd\n\r\n",
    "eight bits": HEAD + b"\r\n\xff\xfe\x80\r\n",
    "nul": HEAD + b"\r\n\0a\0\r\n",
    "long": HEAD + b"\r\n" + b"x" * 100_000 + b"\r\n",
    "no headers": b"\r\nhello\r\n",
    "no body": HEAD,
    "nothing": b"",
    "no line": b"hello",
    "mbox": b"From eve@example.net Sat Jan 31 12:00:00 2026\n" + HEAD,
    "utf-8": "Subject: grüße\r\nFrom: jörg@exämple.org\r\n\r\n".encode(),
    "blank first": b" goes on\r\n" + HEAD + b"\r\n",
    "huge": HEAD + b"\r\n" + b"0123456789abcde\n" * (50 << 16),
}


def mark_of(raw: bytes) -> Mark:
    return Mark(123456789, hashlib.sha256(raw).hexdigest())


def traced(raw: bytes, target: str = TARGET) -> bytes:
    return with_trace(raw, mark_of(raw), target=target, sender=SENDER, at=AT, key=KEY)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_what_follows_is_the_mail_as_it_came(raw: bytes) -> None:
    found = traced(raw)
    head = found[: len(found) - len(raw)]
    assert hashlib.sha256(found[len(head) :]).hexdigest() == mark_of(raw).digest
    assert is_released(found, TARGET.lower(), KEY) == mark_of(raw)
    ending = b"\n" if raw.startswith(b"From ") or (b"\r" not in raw and b"\n" in raw) else b"\r\n"
    lines = head.split(ending)
    assert lines[-1] == b""
    assert not any(b"\n" in line or b"\r" in line or len(line) > 100 for line in lines)


def test_the_headers_are_those_of_rfc_5322() -> None:
    found = message_from_bytes(traced(ODD["plain"]))
    assert found.keys()[1:5] == ["Resent-Date", "Resent-From", "Resent-To", "Resent-Message-ID"]
    assert (found["Resent-From"], found["Resent-To"], found["Resent-Date"]) == (SENDER, TARGET, "Sat, 31 Jan 2026 12:00:00 +0000")
    assert found["Resent-Message-ID"].endswith("@example.com>")
    assert found["Subject"] == "hello"
    assert traced(ODD["plain"]) != traced(ODD["plain"]), "each has an id of its own"


def test_a_mark_counts_for_its_mail_and_target_only() -> None:
    found = traced(ODD["plain"])
    assert is_released(b"Received: by mx\r\n" + found, TARGET, KEY)
    assert is_released(found, "carol@example.com", KEY) is None
    assert is_released(found, TARGET, b"o" * 32) is None
    assert is_released(found.replace(b"id=123456789", b"id=123456788"), TARGET, KEY) is None
    assert is_released(ODD["plain"], TARGET, KEY) is None
    # Somebody's own mark is above one that is copied from another mail, or below.
    assert is_released(b"X-Mailkeep-Release: mine\r\n" + found, TARGET, KEY) is None


def test_a_target_is_one_line() -> None:
    with pytest.raises(ValueError, match="fits no header"):
        traced(b"", "bob@example.com\r\nBcc: eve@example.net")
