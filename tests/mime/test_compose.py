"""Mails of our own: whatever names are like, they become no header and no line."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest

from app.mime.compose import compose

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def written(**changes: str) -> EmailMessage:
    values = {"name": "Mailkeep", "sender": "keep@example.com", "recipient": "bob@example.net", "subject": "Hello", "text": "One\nTwo\n"}
    return message_from_bytes(compose(**values | changes, at=NOW), policy=SMTPUTF8)  # type: ignore[arg-type, return-value]


def test_what_every_mail_has() -> None:
    mail = written()
    assert mail["Date"] == "Sat, 21 Nov 2026 12:00:00 +0000"
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Mailkeep <keep@example.com>", "bob@example.net", "Hello")
    assert mail.get_content().splitlines() == ["One", "Two"]
    link = "https://example.com/" + "x" * 200
    assert link.encode() in compose(name="x", sender="a@b.c", recipient="a@b.c", subject="x", text=f"{link}\n", at=NOW)
    raw = compose(name="x", sender="a@b.c", recipient="a@b.c", subject="x", text="Grüße\n", at=NOW)
    assert raw.count(b"\n") == raw.count(b"\r\n")


@pytest.mark.parametrize(
    "name",
    [
        "Mail\r\nBcc: eve@example.net",
        'Mail", <eve@example.net>, "x',
        "eve@example.net>",
        "Postamt Köln, Süd; (Poststelle)",
        "Ταχυδρομείο \u202e\0",
        "\ud800half",
        "=?utf-8?q?eve?=",
        "x" * 5000,
    ],
)
def test_no_name_becomes_more_than_a_name(name: str) -> None:
    mail = written(name=name, subject=name)
    assert [address.addr_spec for address in mail["From"].addresses] == ["keep@example.com"]
    assert mail["Bcc"] is None
    assert set(mail.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version")
    }


def test_with_html_it_has_both() -> None:
    assert [part.get_content_type() for part in written(html="<p>One</p>").iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "address", ["", "bob", "bob@", "<bob@example.com>", "bob@example.com, eve@example.net", "bob@example.com\r\nBcc: e@e.e"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError):
        written(recipient=address)


def test_a_recipient_beyond_ascii() -> None:
    raw = compose(name="Köln", sender="keep@example.com", recipient="jörg@example.com", subject="x", text="x\n", at=NOW)
    assert "\r\nTo: jörg@example.com\r\n".encode() in raw
