"""The demo's messages as they would have come in: the way they took, text, HTML with a picture of their own, attachments."""

import email.policy
import random
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from app.services.demo_texts import Kind

_HTML = """<html><body>{banner}<p>{text}</p><p><a href="http://shop.example/">shop.example</a></p>{pixel}</body></html>"""


@dataclass(frozen=True, slots=True)
class Envelope:
    number: int
    queue_id: str
    moment: datetime
    node: str
    ip: str
    sender: str
    recipients: tuple[str, ...]


def domain_of_sender(envelope: Envelope) -> str:
    return envelope.sender.partition("@")[2] or "example.net"


def author_of(envelope: Envelope) -> str:
    name = envelope.sender.partition("@")[0].replace(".", " ").title()
    return f"{name} <{envelope.sender}>" if envelope.sender else "Mail Delivery System <mailer-daemon@example.net>"


def message_of(chance: random.Random, kind: Kind, envelope: Envelope, subject: str) -> bytes:
    message = EmailMessage(email.policy.SMTP)
    for hop in _received(chance, kind, envelope):
        message["Received"] = hop
    message["From"] = author_of(envelope)
    message["To"] = ", ".join(envelope.recipients)
    message["Subject"] = subject
    message["Date"] = envelope.moment
    message["Message-ID"] = f"<demo-{envelope.number}@{domain_of_sender(envelope)}>"
    message.set_content(kind.text)
    if kind.html:
        banner = '<p><img src="cid:banner@demo.example" alt=""></p>' if kind.picture else ""
        pixel = '<img src="http://shop.example/seen.gif" alt="">' if kind.pixel else ""
        message.add_alternative(_HTML.format(text=kind.text, banner=banner, pixel=pixel), subtype="html")
    if kind.picture:
        *_, html = message.iter_parts()
        html.add_related(_banner(), "image", "png", cid="<banner@demo.example>")  # type: ignore[attr-defined]
    if kind.attachment:
        message.add_attachment(chance.randbytes(2000), "application", "octet-stream", filename=kind.attachment)
    return bytes(message)


def _received(chance: random.Random, kind: Kind, envelope: Envelope) -> list[str]:
    """Newest first: at our server, and where it came honestly also at the sender's."""
    ours, date = f"by {envelope.node}.example.com (Postfix)", format_datetime(envelope.moment)
    for_whom = f" for <{envelope.recipients[0]}>" if len(envelope.recipients) == 1 else ""
    if not kind.honest:
        name = chance.choice(("localhost", "user-pc", f"[{envelope.ip}]"))
        return [f"from {name} (unknown [{envelope.ip}]) {ours} with SMTP id {envelope.queue_id}{for_whom}; {date}"]
    server, desk = f"mail.{domain_of_sender(envelope)}", f"desk.{domain_of_sender(envelope)}"
    earlier = format_datetime(envelope.moment - timedelta(seconds=chance.choice((1, 2, 2, 5, 40))))
    secured = "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
    here = f"from {server} ({server} [{envelope.ip}]) {secured} {ours} with ESMTPS id {envelope.queue_id}{for_whom}; {date}"
    there = (
        f"from desk ({desk} [192.0.2.{chance.randrange(1, 255)}]) by {server} (Postfix) with ESMTPSA id 3Y{envelope.number:06X}; {earlier}"
    )
    return [here, there]


def _banner() -> bytes:
    """A picture of 240 by 48 points, from green to blue."""
    width, height = 240, 48
    row = b"\0" + b"".join(bytes((40, 160 - x // 3, 90 + x // 2)) for x in range(width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(row * height)),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
