"""The way a message says it took."""

import pytest

from app.mime.hops import Hop, hops_of

NEW = "from mx.example.net (mail.example.net [192.0.2.7]) by gw.example.org (Postfix) with ESMTPS id 4F1 for <bob@example.org>; Fri, 20 Nov 2026 10:00:05 +0000"
OLD = "from laptop (unknown [198.51.100.9]) by mx.example.net with ESMTPSA; Fri, 20 Nov 2026 11:00:00 +0100"


def test_hops_come_oldest_first_with_their_delays() -> None:
    first, second = hops_of([NEW, OLD])
    assert (first.sender, first.receiver, first.protocol, first.is_encrypted, first.seconds) == (
        "laptop",
        "mx.example.net",
        "ESMTPSA",
        True,
        None,
    )
    assert (second.sender, second.seen_as, second.receiver) == ("mx.example.net", "mail.example.net [192.0.2.7]", "gw.example.org")
    assert second.seconds == 5


def test_a_clock_that_is_wrong_and_a_date_that_cannot_be_read_are_told() -> None:
    hops = hops_of([OLD, NEW, "from x by y; yesterday"])
    assert hops[0].moment is None
    assert hops[1].seconds is None
    assert hops[2].seconds == -5


def test_odd_fields_are_hops_with_gaps() -> None:
    assert [hop.receiver for hop in hops_of(["", ";", "by a", "from", "x" * 9999 + "; Fri, 99 Nov"])] == ["", "", "a", "", ""]
    assert len(hops_of([NEW] * 500)) == 50


def hop_of(field: str) -> Hop:
    [hop] = hops_of([field + "; Fri, 20 Nov 2026 10:00:05 +0000 (UTC)"])
    return hop


@pytest.mark.parametrize(
    ("field", "sender", "seen_as", "receiver", "protocol", "is_encrypted"),
    [
        (
            "from a.example (a.example [192.0.2.9]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) by mx (Postfix) with SMTP id 4",
            "a.example", "a.example [192.0.2.9]", "mx", "SMTP", True,
        ),
        ("from a ([192.0.2.4] helo=b) by y.example with esmtps (TLS1.3) tls TLS_AES (Exim 4.96) id 1", "a", "[192.0.2.4] helo=b", "y.example", "ESMTPS", True),
        ("from A (2001:db8::1) by B (2001:db8::2) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20", "A", "2001:db8::1", "B", "SMTP", True),
        ("by 2001:db8:4:1 with SMTP id x1", "", "", "2001:db8:4:1", "SMTP", False),
        ("(qmail 1234 invoked from network)", "", "", "", "", False),
        ("from tls.example (unknown [192.0.2.1] (may be forged)) by TLS-gw.example (no TLS) with ESMTP id 4", "tls.example", "unknown [192.0.2.1] (may be forged)", "TLS-gw.example", "ESMTP", False),
        ("from [10.0.0.1] (by evil with ESMTPS) by y with LMTP", "[10.0.0.1]", "by evil with ESMTPS", "y", "LMTP", False),
        ("from a by y with DDNS", "a", "", "y", "DDNS", False),
    ],
)  # fmt: skip
def test_what_servers_write_is_read(field: str, sender: str, seen_as: str, receiver: str, protocol: str, is_encrypted: bool) -> None:
    hop = hop_of(field)
    assert (hop.sender, hop.seen_as, hop.receiver, hop.protocol, hop.is_encrypted) == (sender, seen_as, receiver, protocol, is_encrypted)


def test_the_date_of_a_very_long_field_is_read() -> None:
    assert hop_of("from a by b " + "for <x@example.org> " * 500).moment is not None


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 31 Dec 9999 23:59:59 +0000",
        "Thu, 1 Jan 1903 00:00:00 +0000",
        "Fri, 20 Nov 9999 23:59:59 -2400",
        "Fri, 20 Nov 2026 10:00:05 +99999999",
        "\0",
        "١ Nov",
    ],
)
def test_a_date_that_no_clock_shows_is_none(date: str) -> None:
    assert hops_of([f"by a; {date}"])[0].moment is None
