"""RFC 2047 encoded words and undeclared bytes, as mailers and attackers really write them. Never raises for what a mail holds."""

import binascii
import re
from collections.abc import Iterator
from encodings.aliases import aliases

from app.mime.text import one_line

# Blanks are not allowed inside a word; mailers leave them in those of type Q all the same.
ENCODED_WORD = re.compile(rb"=\?([A-Za-z0-9_.:()+-]{1,64})(?:\*[A-Za-z0-9-]{0,35})?\?(?:[Qq]\?([^?]*)|[Bb]\?([^?\s]*))\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
# Codecs that are no character sets, or cost the square of their input. What is not in the table is never looked up: Python
# remembers each name it was asked for, and strangers choose the names.
_REFUSED = {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"),
}
_CODECS = {name: codec for name, codec in aliases.items() if codec not in _REFUSED}
_CODECS |= {codec: codec for codec in _CODECS.values()}
_CODECS |= {codec: codec for codec in ("cp737", "cp856", "cp874", "cp1006", "koi8_t", "koi8_u")}
# The sets that are declared as their smaller parents.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932", "ascii": ""}
_ALSO = {"ks_c_5601_1987": "cp949", "x_gbk": "gb18030", "x_sjis": "cp932", "x_unknown": "", "unknown_8bit": "", "windows_874": "cp874"}


def decode_bytes(value: bytes) -> str:
    """Undeclared bytes: UTF-8 where they are UTF-8, else the Western code page every mailer falls back to."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("windows-1252", "replace")


def decode_value(value: bytes) -> str:
    """One line of text. Adjacent words are joined as bytes first, so that a character cut in two is whole again."""
    return one_line(decode_words(value))


def decode_words(value: bytes) -> str:
    """As decode_value, but for what is done to blanks, line breaks and NUL."""
    return "".join(_pieces(value)) if b"=?" in value else decode_bytes(value)


def _pieces(value: bytes) -> Iterator[str]:
    position, charset = 0, ""
    gathered: list[bytes] = []
    for match in ENCODED_WORD.finditer(value):
        between = value[position : match.start()]
        word_charset = match[1].decode("ascii").lower()
        apart = between.strip(b" \t\r\n") or not gathered  # blanks between two words are no text
        if apart or word_charset != charset:
            yield _decode(b"".join(gathered), charset)
            gathered.clear()
        if apart:
            yield decode_bytes(between)
        charset = word_charset
        gathered.append(_word_bytes(match[2], match[3]))
        position = match.end()
    yield _decode(b"".join(gathered), charset)
    yield decode_bytes(value[position:])


def _word_bytes(quoted: bytes | None, base64: bytes) -> bytes:
    if quoted is not None:
        return binascii.a2b_qp(quoted.replace(b"_", b" "))
    letters = _NOT_BASE64.sub(b"", base64.partition(b"=")[0])
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _decode(value: bytes, charset: str) -> str:
    codec = codec_of(charset)
    if not value or not codec:
        return decode_bytes(value)
    try:
        return value.decode(codec, "replace")
    except ValueError:  # some codecs give up whatever they are told
        return decode_bytes(value)


def decode_charset(value: bytes, charset: str) -> str:
    """Text in a declared character set; undeclared or unknown ones as decode_bytes does it."""
    return _decode(value, charset)


def codec_of(charset: str) -> str:
    """Python's name for a declared character set, "" where we know none."""
    name = _NOT_IN_NAMES.sub("_", charset.lower()).strip("_")
    codec = _ALSO[name] if name in _ALSO else _CODECS.get(name, "")
    return _WIDER.get(codec, codec)
