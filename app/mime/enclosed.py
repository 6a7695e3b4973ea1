"""A stored mail as the attachment of a mail of our own, byte for byte."""

import base64
import re
import secrets
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from app.mime.compose import headed, new_message_id, put_text

_LONGEST_LINE = 998
_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_BASE64_LINE = 57


def enclosed(raw: bytes, *, name: str, sender: str, recipient: str, subject: str, text: str, filename: str, at: datetime) -> bytes:
    """ValueError for what is no address. RFC 2046 lets a message/rfc822 be as it is or not at all: what lines of SMTP cannot carry
    goes as a file in base64."""
    boundary = _boundary(raw)
    message = headed(name, sender, recipient, subject, at)
    message["Message-ID"] = new_message_id(sender)
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/mixed; boundary="{boundary}"'
    if _encoding(raw) == "8bit":
        message["Content-Transfer-Encoding"] = "8bit"
    head = b"".join(message.policy.fold_binary(header, value) for header, value in message.items())
    parts = (_text(text), _mail(raw, filename))
    between = f"--{boundary}".encode()
    return head + b"\r\n" + b"".join(between + b"\r\n" + part + b"\r\n" for part in parts) + between + b"--\r\n"


def _text(text: str) -> bytes:
    part = EmailMessage(policy=SMTP)
    put_text(part, text)
    del part["MIME-Version"]
    return part.as_bytes()


def _mail(raw: bytes, filename: str) -> bytes:
    encoding = _encoding(raw)
    kind = b"message/rfc822" if encoding else b"application/octet-stream"
    head = b'Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\nContent-Disposition: attachment; filename="%s"\r\n\r\n'
    return head % (kind, (encoding or "base64").encode(), filename.encode()) + (raw if encoding else _as_base64(raw))


def _encoding(raw: bytes) -> str:
    """Empty where it fits none that changes nothing."""
    if _STRAY.search(raw) or max(map(len, raw.split(b"\r\n"))) > _LONGEST_LINE:
        return ""
    return "7bit" if raw.isascii() else "8bit"


def _as_base64(raw: bytes) -> bytes:
    return b"\r\n".join(base64.b64encode(raw[start : start + _BASE64_LINE]) for start in range(0, len(raw), _BASE64_LINE))


def _boundary(raw: bytes) -> str:
    """One that does not stand in it."""
    while (found := f"=_{secrets.token_hex(16)}").encode() in raw:
        pass
    return found
