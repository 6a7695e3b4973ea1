"""Header values with parameters (Content-Type, Content-Disposition), RFC 2231 and what mailers write instead. Never raises."""

import re
from urllib.parse import unquote_to_bytes

from app.mime.text import clean
from app.mime.words import decode_charset, decode_value

_PARAMETER = re.compile(rb';\s*([^\s=;"]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.){0,4000})"?|([^;]{0,4000}))', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")
_MAX_PARAMETERS = 60


def split_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """The value itself, lower case, and its parameters, decoded; of doubled ones the first counts."""
    head = value.partition(b";")[0].strip().lower().decode("ascii", "replace")
    plain: dict[str, bytes] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for number, match in enumerate(_PARAMETER.finditer(value)):
        if number == _MAX_PARAMETERS:
            break
        name = match[1].lower().decode("latin-1")
        text = _ESCAPED.sub(rb"\1", match[2]) if match[2] is not None else match[3].strip()
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, text)
            continue
        order = rest.rstrip("*")
        pieces.setdefault(base, {}).setdefault(int(order) if order.isdigit() and len(order) < 4 else 0, (text, name.endswith("*")))
    found = {name: decode_value(text) for name, text in plain.items()}
    found |= {name: _join(parts) for name, parts in pieces.items()}
    return head, found


def boundary_of(value: bytes) -> bytes:
    """The boundary as its bytes are, since it is compared and never shown."""
    for match in _PARAMETER.finditer(value):
        if match[1].lower() == b"boundary":
            return (_ESCAPED.sub(rb"\1", match[2]) if match[2] is not None else match[3].strip()).rstrip(b" ")
    return split_parameters(value)[1].get("boundary", "").rstrip(" ").encode()


def media_type(head: str, default: str) -> str:
    return head if _TYPE.fullmatch(head) else default


def _join(parts: dict[int, tuple[bytes, bool]]) -> str:
    """RFC 2231: numbered pieces, the first of which may name a character set."""
    charset = ""
    gathered = []
    for number in sorted(parts):
        text, encoded = parts[number]
        if encoded and number == min(parts) and text.count(b"'") >= 2:
            name, _, rest = text.partition(b"'")
            charset, text = name.decode("latin-1"), rest.partition(b"'")[2]
        gathered.append(unquote_to_bytes(text) if encoded else text)
    return clean(decode_charset(b"".join(gathered), charset))
