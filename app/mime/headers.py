"""The header block of a mail: bytes in, text out, whatever the bytes are. Never raises for what a mail holds."""

import base64
import binascii
import codecs
import re

_MAX_BLOCK = 512 << 10
_MAX_FIELDS = 2000
_ENCODED_WORD = re.compile(rb"=\?([A-Za-z0-9_.:-]+)(?:\*[^?]*)?\?([BbQq])\?([^?\s]*)\?=")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*(.*)$", re.DOTALL)
# Bounded, so that no text makes the search quadratic.
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,128}@[^\s<>()\[\],;:\"@]{1,255}")
_ANGLE = re.compile(r"<([^<>]{0,400})>")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
_MAX_ADDRESS_TEXT = 4000
_CODEC_ALIASES = {"x-gbk": "gbk", "x-sjis": "shift_jis", "ks_c_5601-1987": "cp949", "cp-850": "cp850", "unicode-1-1-utf-7": "utf-7"}
_FORBIDDEN = {0: "\ufffd"}


def header_block(raw: bytes) -> bytes:
    """All before the first empty line, at most half a megabyte."""
    head = raw[:_MAX_BLOCK]
    if head.startswith((b"\r\n", b"\n")):
        return b""
    ends = [end for end in (head.find(b"\r\n\r\n"), head.find(b"\n\n"), head.find(b"\n\r\n")) if end >= 0]
    return head[: min(ends)] if ends else head


def parse_headers(block: bytes) -> list[tuple[str, bytes]]:
    """(lower-case name, unfolded value) in order; lines that are no field are passed over."""
    fields: list[tuple[str, bytes]] = []
    for line in _unfold(block).split(b"\n"):
        match = _FIELD.match(line)
        if match:
            fields.append((match[1].decode("ascii").lower(), match[2].strip()))
            if len(fields) == _MAX_FIELDS:
                break
    return fields


def _unfold(block: bytes) -> bytes:
    return re.sub(rb"\n[ \t]+", b" ", block.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def decode_value(value: bytes) -> str:
    """RFC 2047 as mailers really write it: adjacent words are joined as bytes first, so a character cut in two is whole again."""
    if b"=?" not in value:
        return one_line(decode_bytes(value))
    pieces: list[str] = []
    position, charset, gathered = 0, "", b""
    for match in _ENCODED_WORD.finditer(value):
        between = value[position : match.start()]
        word_charset = match[1].decode("ascii").lower()
        if between.strip(b" \t\r\n") or word_charset != charset:
            pieces.append(_decode(gathered, charset))
            gathered = b""
            if between.strip(b" \t\r\n") or not charset:
                pieces.append(decode_bytes(between))
        charset = word_charset
        gathered += _word_bytes(match[2], match[3])
        position = match.end()
    pieces += [_decode(gathered, charset), decode_bytes(value[position:])]
    return one_line("".join(pieces))


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Qq":
        return binascii.a2b_qp(text.replace(b"_", b" "), header=False)
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return text


def _decode(value: bytes, charset: str) -> str:
    if not value:
        return ""
    try:
        codec = codecs.lookup(_CODEC_ALIASES.get(charset, charset))
        if codec._is_text_encoding:  # "hex" and "zip" are codecs too, and not for strangers
            return value.decode(codec.name, "replace")
    except (LookupError, ValueError):
        pass
    return decode_bytes(value)


def decode_bytes(value: bytes) -> str:
    """Undeclared bytes: UTF-8 where they are UTF-8, else the Western code page every mailer falls back to."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("windows-1252", "replace")


def clean(text: str) -> str:
    """What every database can keep: no NUL, no lone surrogate."""
    if "\0" in text:
        text = text.translate(_FORBIDDEN)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        text = re.sub(r"[\r\n]+[ \t]*", " ", text)
    return clean(text).strip()


def address_of(text: str) -> str:
    """The first address of a decoded From or To, lower case, or "": what stands in <> wins over what merely looks like one."""
    if "@" not in text:
        return ""
    for part in _QUOTED.sub("", text[:_MAX_ADDRESS_TEXT]).split(","):
        angle = _ANGLE.search(part)
        match = _ADDRESS.search(angle[1] if angle else part)
        if match:
            return match[0].lower()
    return ""
