"""Who a From or To names, when the display name is written by an attacker."""

import re
from collections.abc import Iterator

from app.mime.text import one_line
from app.mime.words import ENCODED_WORD, decode_bytes, decode_value

_MAX_TEXT = 4000
_MAX_LIST = 256 << 10
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_PARENTHESIS = re.compile(rf"{_QUOTED}|\\.|[()]")
_QUOTED_NAME = re.compile(rf"(\\.)|{_QUOTED}(?!@)")
_PART = re.compile(r"[<>,;:]|[^<>,;:]+")
# Bounded, so that no text makes the search quadratic.
_ADDRESS = re.compile(r'(?:"(?:[^"\\]|\\.){0,128}"|[^\s<>()\[\],;:\\"@]{1,128})@(?:\[[^\s\[\]]{1,64}\]|[^\s<>()\[\],;:\\"@]{1,255})')


def address_of(text: str) -> str:
    """The first address of a From or To, lower case, or "": what stands in <> wins over what merely looks like one."""
    if "@" not in text:
        return ""
    for outside, angle in _mailboxes(_without_names(text[:_MAX_TEXT])):
        match = _ADDRESS.search(outside if angle is None else angle)
        if match:
            return one_line(match[0]).lower().rstrip(".")
    return ""


def addresses_of(text: str) -> Iterator[str]:
    """Every address of a To or Cc, as address_of finds them."""
    for outside, angle in _mailboxes(_without_names(text[:_MAX_LIST])):
        match = _ADDRESS.search(outside if angle is None else angle)
        if match:
            yield one_line(match[0]).lower().rstrip(".")


def address_in(value: bytes) -> str:
    """As address_of, from the undecoded field: what an encoded word says is a name, whatever it looks like once decoded."""
    return address_of(decode_bytes(ENCODED_WORD.sub(b" ", value))) or address_of(decode_value(value))


def _without_names(text: str) -> str:
    """Escaped characters are stepped over one by one, so that a quote that never ends is looked for once."""
    return _QUOTED_NAME.sub(lambda match: match[1] or " ", _without_comments(text))


def _mailboxes(text: str) -> Iterator[tuple[str, str | None]]:
    """Of each mailbox the text outside <>, and the last text inside (None without <>). Group names and routes are left out."""
    outside: list[str] = []
    angle: list[str] | None = None
    inside = False
    for word in _PART.findall(text):
        if word in ",;" and not inside:
            yield "".join(outside), None if angle is None else "".join(angle)
            outside, angle = [], None
        elif word in "<>":
            inside = word == "<"
            angle = [] if inside else angle
        elif word == ":":
            (angle if inside and angle is not None else outside).clear()
        else:
            (angle if inside and angle is not None else outside).append(word)
    yield "".join(outside), None if angle is None else "".join(angle)


def _without_comments(text: str) -> str:
    """Comments nest; one that never ends is taken for text."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth = position = 0
    for match in _PARENTHESIS.finditer(text):
        if match[0] == "(":
            if not depth:
                kept.append(text[position : match.start()])
                position = match.end()
            depth += 1
        elif match[0] == ")" and depth:
            depth -= 1
            position = position if depth else match.end()
    kept.append(text[position:])
    return " ".join(kept)


def base_of(address: str, plus: str) -> str | None:
    """Whose an address is that has something after a `plus`: bob@example.com of bob+shop@example.com. None where it has not; what stands
    in quotes is a name of its own."""
    local, _at, domain = address.rpartition("@")
    head, found, _tag = local.partition(plus) if plus else ("", "", "")
    return f"{head}@{domain}" if found and head and not head.startswith('"') else None
