"""A mail as one of its recipients reads it: nothing of whom else it went to in secret."""

import pytest

from app.mime.private import for_recipient

RAW = (
    b"Received: from a by b with ESMTP id 1\r\n\tfor <secret@example.com>; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    b"Received: from c by a for <BOB@example.com>; Sat, 21 Nov 2026 09:59:59 +0000\r\n"
    b"Delivered-To: secret@example.com\r\nX-Original-To: bob@example.com\r\n"
    b"To: <bob@example.com>, carol@example.com\r\nBCC : secret@example.com,\r\n other@example.com\r\n"
    b"Subject: hello\r\n\r\nBcc: stays@example.com\r\n"
)
OWN = frozenset({"bob@example.com"}).__contains__


def test_what_tells_of_others_is_left_out_and_all_else_stays_as_it_was() -> None:
    shown = for_recipient(RAW, OWN)
    assert b"secret@" not in shown
    assert b"other@" not in shown
    assert shown == (
        b"Received: from a by b with ESMTP id 1; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        b"Received: from c by a for <BOB@example.com>; Sat, 21 Nov 2026 09:59:59 +0000\r\n"
        b"X-Original-To: bob@example.com\r\nTo: <bob@example.com>, carol@example.com\r\nSubject: hello\r\n\r\nBcc: stays@example.com\r\n"
    )


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n", b"\r"])
def test_whatever_breaks_the_lines(breaks: bytes) -> None:
    shown = for_recipient(RAW.replace(b"\r\n", breaks), OWN)
    assert b"secret@" not in shown
    assert b"other@" not in shown
    assert b"To: <bob@example.com>, carol@example.com" in shown


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\nbody", b"no header at all", b"Bcc", b": x", b"Bcc:", b" folded first\r\nSubject: x\r\n\r\n"]
)
def test_odd_mails_stay_whole(raw: bytes) -> None:
    assert for_recipient(raw, OWN).endswith(raw.removeprefix(b"Bcc:").removeprefix(b"Bcc"))
