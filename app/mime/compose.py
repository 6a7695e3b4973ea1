"""Mails of our own: short, plain text with or without HTML, and nobody's words in a header but as words."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, make_msgid

from app.mime.text import one_line

_LONGEST_LINE = 200
_LONGEST_TEXT_LINE = 990
_PLAIN = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,64}@[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,255}")


def new_message_id(sender: str) -> str:
    return make_msgid(domain=sender.rpartition("@")[2])


def compose(
    *, name: str, sender: str, recipient: str, subject: str, text: str, at: datetime, html: str = "", own: Mapping[str, str] | None = None
) -> bytes:
    """From `name` <`sender`>, with headers of our own. ValueError for what is no address."""
    message = headed(name, sender, recipient, subject, at)
    for header, value in ({"Message-ID": new_message_id(sender)} | dict(own or {})).items():
        message[header] = value
    put_text(message, text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def headed(name: str, sender: str, recipient: str, subject: str, at: datetime) -> EmailMessage:
    """Nothing but the beginning of its header."""
    message = EmailMessage(policy=SMTP if recipient.isascii() else SMTPUTF8)
    message["From"] = address_field(seen_words(name), sender)
    message["To"] = address_field("", recipient)
    message["Subject"] = seen_words(subject)
    message["Date"] = format_datetime(at)
    message["Auto-Submitted"] = "auto-generated"
    return message


def put_text(message: EmailMessage, text: str) -> None:
    message.set_content(text, cte="7bit" if _fits(text) else "quoted-printable")


def _fits(text: str) -> bool:
    """As it is, with no link broken in two for those who read the source."""
    return text.isascii() and all(len(line) <= _LONGEST_TEXT_LINE for line in text.splitlines())


def address_field(name: str, address: str) -> Address:
    """ValueError for what is no address."""
    if not _PLAIN.fullmatch(address):
        raise ValueError(f"{address!r} is no address")
    local, _at, domain = address.rpartition("@")
    return Address(name, local, domain)


def seen_words(text: str) -> str:
    """One line, of letters that are seen."""
    return "".join(letter for letter in one_line(text) if letter.isprintable())[:_LONGEST_LINE]
