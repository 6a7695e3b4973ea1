"""A mail as an attachment: whatever its bytes are, who opens it has them all."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest

from app.mime.enclosed import enclosed
from app.mime.release import follows_its_mark, is_released, marked, with_trace
from tests.mime.test_release import HEAD, KEY, ODD, SENDER, TARGET, mark_of

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
CARRIED = {
    "plain": "7bit",
    "dots": "7bit",
    "no headers": "7bit",
    "no body": "7bit",
    "no line": "7bit",
    "blank first": "7bit",
    "nothing": "7bit",
}
CARRIED |= {"eight bits": "8bit", "utf-8": "8bit"}


def enclosing(raw: bytes, text: str = "Grüße.\n") -> bytes:
    names = {"name": "Mailkeep", "sender": SENDER, "recipient": TARGET}
    return enclosed(raw, **names, subject="Released: hello", text=text, filename="message.eml", at=AT)


@pytest.mark.parametrize("name", sorted(set(ODD) - {"huge"}))
def test_the_attachment_is_the_mail_byte_for_byte(name: str) -> None:
    raw, found = ODD[name], enclosing(ODD[name])
    outer = message_from_bytes(found, policy=SMTP)
    part = list(outer.iter_parts())[1]
    if name in CARRIED:
        assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("message/rfc822", CARRIED[name])
        start = found.index(b"\r\n\r\n", found.index(b"message/rfc822")) + 4
        assert found[start : found.rindex(b"\r\n--")] == raw
    else:
        assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("application/octet-stream", "base64")
        assert part.get_content() == raw
    assert part.get_filename() == "message.eml"
    # As every relay takes it.
    assert found.count(b"\n") == found.count(b"\r\n") == found.count(b"\r")
    assert max(map(len, found.split(b"\r\n"))) <= 998
    assert b"\0" not in found


def test_the_mail_round_it_is_ours() -> None:
    outer = message_from_bytes(enclosing(ODD["plain"]), policy=SMTP)
    assert (str(outer["From"]), outer["To"], outer["Subject"]) == ("Mailkeep <keep@example.com>", TARGET, "Released: hello")
    assert (outer["Auto-Submitted"], outer["Message-ID"].endswith("@example.com>")) == ("auto-generated", True)
    assert (
        outer.get_body(("plain",)).get_content() == "Grüße.\n".replace("\n", "\r\n")
        or outer.get_body(("plain",)).get_content() == "Grüße.\n"
    )
    assert not outer.defects


def test_nothing_in_the_mail_ends_its_part() -> None:
    """A boundary that was seen in another mail is worth nothing."""
    boundary = message_from_bytes(enclosing(ODD["plain"])).get_boundary()
    raw = HEAD + b"\r\n--" + str(boundary).encode() + b"--\r\n"
    assert len(list(message_from_bytes(enclosing(raw), policy=SMTP).iter_parts())) == 2
    with pytest.raises(ValueError, match="no address"):
        enclosed(b"", name="", sender=SENDER, recipient="bob@example.com\r\nBcc: eve@example.net", subject="", text="", filename="a", at=AT)


RECEIVED = b"Received: from relay\r\n\tby mx\r\n"


@pytest.mark.parametrize("name", sorted(set(ODD) - {"huge"}))
def test_what_comes_back_is_known_by_its_mark_and_what_has_it_copied_is_not(name: str) -> None:
    raw = ODD[name]
    attached = marked(enclosing(raw), 7, target=TARGET, key=KEY)
    as_it_was = with_trace(raw, mark_of(raw), target=TARGET, sender=SENDER, at=AT, key=KEY)
    for found in (attached, as_it_was):
        mark = is_released(RECEIVED + found, TARGET.lower(), KEY)
        assert mark is not None
        assert follows_its_mark(RECEIVED + found, mark)
        assert not follows_its_mark(found + b"more\r\n", mark)
        head = found[: found.index(b"mac=") + 70]
        assert not follows_its_mark(head + b"Subject: another\r\n\r\nbuy this\r\n", mark)
    if b"\r" not in raw:  # as it travels
        wire = as_it_was.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert follows_its_mark(wire if wire.endswith(b"\n") else wire + b"\r\n", mark_of(raw))
