"""What a part holds: its transfer encoding undone, its text in Unicode, each no longer than asked for."""

import binascii
import re
import string
from itertools import islice

from app.mime.parts import Part
from app.mime.text import clean
from app.mime.words import codec_of, decode_charset

_NOT_BASE64 = bytes({*range(256)} - {*string.ascii_letters.encode(), *string.digits.encode(), *b"+/="})
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_UU_BEGIN = re.compile(rb"^begin [^\r\n]*", re.MULTILINE)
_UU_LINE = re.compile(rb"[^\r\n]+")
_MAX_UU_LINES = 1_000_000
"""Of 45 bytes each, as they are written."""
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def content_of(raw: bytes, part: Part, most: int | None = None) -> bytes:
    """At most `most` bytes; a broken encoding gives what can be read of it."""
    end = part.end if most is None else min(part.end, part.start + most * 2 + 1000)
    encoded = raw[part.start : end]
    match part.encoding:
        case "base64":
            decoded = _base64(encoded)
        case "quoted-printable":
            decoded = binascii.a2b_qp(encoded)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            decoded = _uudecoded(encoded)
        case _:
            decoded = encoded
    return decoded if most is None else decoded[:most]


def text_of(raw: bytes, part: Part, most: int) -> str:
    """Declared, else told by a mark or an HTML meta, else guessed: UTF-8 where it is UTF-8. Line breaks are \\n."""
    octets = content_of(raw, part, most)
    charset = part.charset if codec_of(part.charset) else ""
    for mark, name in _BOMS:
        if octets.startswith(mark):
            octets, charset = octets[len(mark) :] if name == "utf-8" else octets, name
    if not charset and part.type == "text/html" and (found := _META.search(octets[:4096])):
        charset = found[1].decode("ascii")
    elif charset and _is_lie(octets, charset):
        charset = "utf-8"
    text = (
        decode_charset(octets, "" if charset.lower() in ("utf-8", "utf8") else charset)
        if charset != "utf-16"
        else octets.decode("utf-16", "replace")
    )
    return clean(text.replace("\r\n", "\n").replace("\r", "\n"))


def _is_lie(octets: bytes, charset: str) -> bool:
    """Declared as plain ASCII and full of UTF-8, as many mailers have it."""
    return codec_of(charset) == "" or (charset.lower() in ("us-ascii", "ascii") and not octets.isascii())


def _base64(encoded: bytes) -> bytes:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        letters = encoded.translate(None, _NOT_BASE64).partition(b"=")[0]
        letters = letters[: len(letters) - len(letters) % 4] if len(letters) % 4 == 1 else letters
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _uudecoded(encoded: bytes) -> bytes:
    begin = _UU_BEGIN.search(encoded)
    decoded: list[bytes] = []
    for line in islice(_UU_LINE.finditer(encoded, begin.end()), _MAX_UU_LINES) if begin else ():
        if line[0].strip() == b"end":
            break
        try:
            decoded.append(binascii.a2b_uu(line[0]))
        except binascii.Error:
            continue
    return b"".join(decoded)
