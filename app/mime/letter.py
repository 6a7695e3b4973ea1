"""A letter with HTML, text and perhaps a picture of its own, written for thousands: nothing in it is parsed again."""

import base64
import re
import secrets
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from app.mime.compose import address_field, seen_words

# What stands in a header of ours as it is: ASCII that is seen, and no longer than a line of a mail may be.
_PLAIN_HEADER = re.compile(r"[!-~](?:[ -~]{0,900}[!-~])?")
_TO = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(?:\.[\w-]+)*")
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    kind: str

    @property
    def cid(self) -> str:
        return "logo@letter"

    def as_url(self) -> str:
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode()}"


def picture_kind(content: bytes) -> str:
    """Empty for what mail programs do not show."""
    return next((kind for start, kind in _KINDS if content.startswith(start)), "")


def write_letter(
    *,
    name: str,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    at: datetime,
    own: Mapping[str, str],
    picture: Picture | None,
) -> bytes:
    """ValueError for what is no address, or no header."""
    outer, inner = f"=_{secrets.token_hex(12)}", f"=_{secrets.token_hex(12)}"
    to = recipient if _TO.fullmatch(recipient) and len(recipient) < 900 else str(address_field("", recipient))
    pieces = [_head(name, sender, subject), f"To: {to}\r\nDate: {format_datetime(at)}\r\n".encode()]
    pieces += [_header(key, value) for key, value in own.items()]
    pieces.append(f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{outer}"\r\n'.encode())
    pieces += [f"\r\n--{outer}\r\n".encode(), _text("plain", text), f"\r\n--{outer}\r\n".encode()]
    if picture is None:
        pieces.append(_text("html", html))
    else:
        related = f'Content-Type: multipart/related; type="text/html"; boundary="{inner}"\r\n\r\n--{inner}\r\n'
        pieces += [related.encode(), _text("html", html), f"\r\n--{inner}\r\n".encode(), _picture(picture), f"\r\n--{inner}--\r\n".encode()]
    pieces.append(f"\r\n--{outer}--\r\n".encode())
    return b"".join(pieces)


@lru_cache(512)
def _head(name: str, sender: str, subject: str) -> bytes:
    """What thousands of letters have in common, and is worth a slow and careful writer."""
    message = EmailMessage(policy=SMTP)
    message["From"] = address_field(seen_words(name), sender)
    message["Subject"] = seen_words(subject)
    message["Auto-Submitted"] = "auto-generated"
    return message.as_bytes().rstrip(b"\r\n") + b"\r\n"


def _header(name: str, value: str) -> bytes:
    """On one line: a link that is folded is no link for some."""
    if not _PLAIN_HEADER.fullmatch(value):
        raise ValueError(f"{name}: {value[:100]!r} is no header")
    return f"{name}: {value}\r\n".encode()


def _text(kind: str, text: str) -> bytes:
    """Quoted-printable: no server on the way changes it, and no line is too long for one."""
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + b2a_qp(text.replace("\n", "\r\n").encode("utf-8", "replace"), istext=True)


@lru_cache(4)
def _picture(picture: Picture) -> bytes:
    head = (
        f"Content-Type: image/{picture.kind}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{picture.cid}>\r\n"
        f'Content-Disposition: inline; filename="logo.{picture.kind}"\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(picture.content).replace(b"\n", b"\r\n")
