"""A stored mail on its way again: its bytes as they were, with a few headers in front that say so."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, make_msgid

from app.mime.headers import header_block, parse_headers

MARK = "X-Mailkeep-Release"
_FIELD = rb"[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*"
_OURS = b"".join(b"Resent-" + name + rb":[^\r\n]*\r?\n" for name in (b"Date", b"From", b"To", b"Message-ID"))
# The first mark there is, with what we put behind it.
_BEGINNING = re.compile(rb"^" + MARK.encode() + rb":" + _FIELD + rb"(?:" + _OURS + rb")?", re.IGNORECASE | re.MULTILINE)
_FURTHEST = 1 << 20
_MARK = re.compile(rb"id=(\d{1,19}); sha256=([0-9a-f]{64}); mac=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Mark:
    """Which mail was released, and the SHA-256 of what stands below our headers."""

    mail_id: int
    digest: str


def with_trace(raw: bytes, mark: Mark, *, target: str, sender: str, at: datetime, key: bytes) -> bytes:
    """Nothing of `raw` is changed. Ours come first, with the line ends that its own first line has; the mark is the very first, so
    that a mail that begins with a blank cannot go on with it. ValueError for a target that would be more than one line."""
    if not (target + sender).isprintable():
        raise ValueError(f"{target!r} fits no header")
    end = "\r\n" if raw.partition(b"\n")[0].endswith(b"\r") or b"\n" not in raw else "\n"
    lines = (
        _line(mark, target, key, end),
        f"Resent-Date: {format_datetime(at)}",
        f"Resent-From: {sender}",
        f"Resent-To: {target}",
        f"Resent-Message-ID: {make_msgid(domain=sender.rpartition('@')[2])}",
    )
    return "".join(line + end for line in lines).encode() + raw


def marked(message: bytes, mail_id: int, *, target: str, key: bytes) -> bytes:
    """A mail of our own that carries the stored one: the mark in front of it tells of all that follows."""
    mark = Mark(mail_id, hashlib.sha256(message).hexdigest())
    return (_line(mark, target, key, "\r\n") + "\r\n").encode() + message


def follows_its_mark(raw: bytes, mark: Mark) -> bool:
    """Whether this is what was released, and not another mail that had the mark put into it. Line ends may have become those of SMTP."""
    found = _BEGINNING.search(raw, 0, _FURTHEST)
    if found is None:
        return False
    body = raw[found.end() :]
    lines = body.replace(b"\r\n", b"\n")
    forms = (body, body.removesuffix(b"\r\n"), lines, lines.removesuffix(b"\n"))
    return any(hmac.compare_digest(hashlib.sha256(form).hexdigest(), mark.digest) for form in dict.fromkeys(forms))


def is_released(head: bytes, target: str, key: bytes) -> Mark | None:
    """What we released to this one, if the first mark in the header is ours. Whoever trusts it more than the header deserves compares
    the digest with what follows: the mark may have been copied."""
    for _name, value in parse_headers(header_block(head), {MARK.lower()}):
        found = _MARK.fullmatch(b" ".join(value.split()))
        if found is None:
            return None
        mark = Mark(int(found[1]), found[2].decode())
        return mark if hmac.compare_digest(found[3].decode(), _mac(mark, target, key)) else None
    return None


def _line(mark: Mark, target: str, key: bytes, end: str) -> str:
    return f"{MARK}: id={mark.mail_id};{end} sha256={mark.digest};{end} mac={_mac(mark, target, key)}"


def _mac(mark: Mark, target: str, key: bytes) -> str:
    """To another target it is worth nothing."""
    return hmac.digest(key, f"{mark.mail_id}\0{mark.digest}\0{target.lower()}".encode(), hashlib.sha256).hex()
