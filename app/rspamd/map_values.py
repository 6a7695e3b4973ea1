"""The values of maps, checked and in their normal form: the one that is kept, compared and sorted."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from app.rspamd.map_domains import fold, read_address, read_address_or_domain, read_domain, read_host, read_url
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_networks import Found, read_asn, read_country, read_network
from app.rspamd.map_regexp import read_regexp, split_regexp
from app.rspamd.map_wrong import Caution, Wrong, WrongValue

__all__ = ("Caution", "Value", "Wrong", "WrongValue", "normal_form", "read_value")

VALUE_LENGTH = 600
DATA_LENGTH = 1000
SYMBOL_LENGTH = 64
_HIGHEST_SCORE = 100_000
_LONGEST = 4000
"""Of what is looked at."""
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SCORE = r"[+-]?[0-9]+(?:\.[0-9]+)?|[+-]\.[0-9]+"
# What Rspamd's multimap reads of a map's line after the key. To us a symbol without score is in capitals: other words are no symbols.
RESULT = re.compile(rf"(?:(?P<symbol>[A-Za-z_][A-Za-z0-9_]*):(?P<with>{_SCORE})|(?P<alone>[A-Z_][A-Z0-9_]*)|(?P<score>{_SCORE}))\Z")
_SIDES = re.compile(r"\s*[|,;]\s*|\s+")
# What a line of Rspamd's can hold between quotes: a backslash keeps a quote from ending it.
_QUOTABLE = re.compile(r'(?:[^"\\]|\\.)*\Z')
_BETWEEN_QUOTES = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r'[^\s"/#][^\s#]*\Z', re.ASCII)
_JOINERS = "\u200c\u200d"
"""Not seen, but some scripts and pictures are not written without them."""


@dataclass(frozen=True, slots=True)
class Value:
    text: str
    data: str = ""
    symbol: str = ""
    score: float | None = None
    sender: str = ""
    rcpt: str = ""
    warnings: tuple[Caution, ...] = ()


def read_value(kind: MapKind, text: str, *, data: str = "", symbol: str = "", score: float | None = None) -> Value:
    """A symbol and a score may also stand behind the value, as in a map's file; those given count more. Raises WrongValue."""
    text = text.strip()
    if len(text) > _LONGEST or len(data) > _LONGEST:
        raise WrongValue(Wrong.TOO_LONG, text)
    if not text.isprintable():
        text = text.replace("\t", " ").removeprefix("\ufeff").strip()
        _refuse_hidden(text)
    if not text:
        raise WrongValue(Wrong.EMPTY)
    if text[0] == "#":
        raise WrongValue(Wrong.REMARK, text)
    if kind in _SIMPLE and " " not in text and text[0] != '"' and not data:
        result = ""  # as nearly every line is
    else:
        text, data, result = _taken_apart(kind, text, data.strip())
    if result or symbol or score is not None:
        symbol, score = _result(kind, result, symbol.strip(), score)
    if kind is MapKind.PAIR:
        return _pair(text, symbol, score)
    value, warnings = _READ[kind](text)
    if len(value) > VALUE_LENGTH:
        raise WrongValue(Wrong.TOO_LONG, value)
    return Value(value, data, symbol, score, warnings=warnings)


def normal_form(kind: MapKind, found: str) -> str:
    """Of what a mail has: nothing in it is a symbol or a score. Raises WrongValue where it can stand in no such map."""
    text = found.replace("\t", " ").strip()
    if kind is MapKind.URL:
        text = text.replace(" ", "%20")
    if not text or len(text) > _LONGEST or kind is MapKind.REGEXP:
        raise WrongValue(Wrong.EMPTY if not text else Wrong.TOO_LONG, text)
    _refuse_hidden(text)
    return _pair(text, "", None).text if kind is MapKind.PAIR else _READ[kind](text)[0]


def is_bare(text: str) -> bool:
    """Whether a line of a map may hold it without quotes."""
    return _BARE.match(text) is not None


def _refuse_hidden(text: str) -> None:
    if text.isprintable():
        return
    for char in text:
        if char not in _JOINERS and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise WrongValue(Wrong.HIDDEN, f"U+{ord(char):04X}")


def _taken_apart(kind: MapKind, text: str, data: str) -> tuple[str, str, str]:
    """The value, what it stands for, and the symbol and score behind it."""
    if kind is not MapKind.KEY_VALUE and data:
        raise WrongValue(Wrong.DATA_NOT_HERE, data)
    if kind is MapKind.REGEXP:
        text, result = split_regexp(text)
        return text, "", result.partition("#")[0].strip()
    if kind is MapKind.KEY_VALUE:
        return *_key_and_data(text, data), ""
    if kind in (MapKind.TEXT, MapKind.VIRUS):
        quoted, rest = unquoted(text)
        return (quoted, "", rest) if quoted else (text, "", "")
    if kind is MapKind.PAIR:
        if text.count("|") == 1 and " " not in text:
            return text, "", ""
        parts = [part for part in _SIDES.split(text) if part]
        if len(parts) not in (2, 3) or (len(parts) == 3 and not RESULT.match(parts[2])):
            raise WrongValue(Wrong.PAIR, text)
        return "|".join(parts[:2]), "", "".join(parts[2:])
    return _with_result(text)


def _with_result(text: str) -> tuple[str, str, str]:
    quoted, rest = unquoted(text)
    if quoted:
        return quoted, "", rest
    head, _blank, tail = text.rpartition(" ")
    if head and RESULT.match(tail) and head.lower() not in ("as", "asn"):
        return head.rstrip(), "", tail
    return text, "", ""


def unquoted(text: str, also: str = "") -> tuple[str, str]:
    """What stands between quotes at the beginning, and the rest, after a blank (or what begins with `also`); nothing and all of it where
    no quotes are."""
    found = _BETWEEN_QUOTES.match(text)
    rest = text[found.end() :] if found else ""
    if not found or (rest and not rest.startswith((" ", also or " "))):
        return "", text
    return found[1].strip(), rest.strip()


def _key_and_data(text: str, data: str) -> tuple[str, str]:
    quoted, rest = unquoted(text)
    if quoted:
        key, behind = quoted, rest
    elif data:
        key, behind = text, ""
    else:
        key, _blank, behind = text.partition(" ")
    data = data or behind.strip()
    _refuse_hidden(data)
    if not data:
        raise WrongValue(Wrong.NO_DATA, key)
    if "#" in data:
        raise WrongValue(Wrong.DATA, data)
    if len(data) > DATA_LENGTH:
        raise WrongValue(Wrong.TOO_LONG, data)
    return key, data


def _result(kind: MapKind, behind: str, symbol: str, score: float | None) -> tuple[str, float | None]:
    if behind:
        found = RESULT.match(behind)
        if not found:
            raise WrongValue(Wrong.SYMBOL, behind)
        symbol = symbol or found["symbol"] or found["alone"] or ""
        number = found["with"] or found["score"]
        score = float(number) if score is None and number else score
    if kind is MapKind.KEY_VALUE and (symbol or score is not None):
        raise WrongValue(Wrong.RESULT_NOT_HERE, symbol)
    if symbol and (len(symbol) > SYMBOL_LENGTH or not _SYMBOL.match(symbol)):
        raise WrongValue(Wrong.SYMBOL, symbol)
    if score is None:
        return symbol, None
    if not math.isfinite(score) or abs(score) >= _HIGHEST_SCORE:
        raise WrongValue(Wrong.SCORE, str(score))
    return symbol, round(score, 4) + 0.0  # no -0.0


def _text(text: str) -> Found:
    """Without case, as Rspamd compares it."""
    text = text.lower() if text.isascii() else fold(unicodedata.normalize("NFC", text))
    if text[:1] == "#":
        raise WrongValue(Wrong.REMARK, text)
    if not is_bare(text) and not _QUOTABLE.match(text):
        raise WrongValue(Wrong.QUOTES, text)
    return text, ()


def _pair(text: str, symbol: str, score: float | None) -> Value:
    sender, _bar, rcpt = text.partition("|")
    if not sender or not rcpt:
        raise WrongValue(Wrong.PAIR, text)
    (sender, first), (rcpt, second) = read_address_or_domain(sender), read_address_or_domain(rcpt)
    if " " in sender + rcpt or "|" in sender + rcpt:
        raise WrongValue(Wrong.PAIR, text)
    return Value(f"{sender}|{rcpt}", "", symbol, score, sender, rcpt, tuple(dict.fromkeys(first + second)))


_SIMPLE = frozenset(MapKind) - {MapKind.REGEXP, MapKind.KEY_VALUE, MapKind.PAIR}
_READ: dict[MapKind, Callable[[str], Found]] = {
    MapKind.ADDRESS: read_address,
    MapKind.DOMAIN: read_domain,
    MapKind.ADDRESS_OR_DOMAIN: read_address_or_domain,
    MapKind.IP: read_network,
    MapKind.ASN: read_asn,
    MapKind.COUNTRY: read_country,
    MapKind.URL: read_url,
    MapKind.HOST: read_host,
    MapKind.TEXT: _text,
    MapKind.REGEXP: read_regexp,
    MapKind.KEY_VALUE: _text,
    MapKind.VIRUS: _text,
}
