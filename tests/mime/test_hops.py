"""The way a message says it took."""

from app.mime.hops import hops_of

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
