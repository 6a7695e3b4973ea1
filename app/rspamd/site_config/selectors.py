"""What of a mail a map is compared with, in the language of Rspamd's multimap; no Lua.

A selector gives a list of keys, each of which is looked up. Two lists side by side (`;`) are joined element by element, so a list
with empty places (an empty pair of brackets in its pattern) beside another gives the elements of both. The element that holds all
of what matched goes first, and is dropped.
"""

from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.site_config.ucl import Value

_NAMES = {MapPart.MAIL_FROM: "smtp", MapPart.MIME_FROM: "mime"}
_TYPES = {
    MapPart.HELO: "helo",
    MapPart.HOSTNAME: "hostname",
    MapPart.URL: "url",
    MapPart.URL_HOST: "url",
    MapPart.FILENAME: "filename",
    MapPart.USER: "user",
    MapPart.IP: "ip",
    MapPart.ASN: "asn",
    MapPart.COUNTRY: "country",
}
# The recipients are joined into one text, which is an entry's only where there is one of them; their domain stands for them only where
# it is the same for all. Addresses without an @, or with a second one, match nothing.
_ALL_RCPTS = r"(?=(.+)$)(?=(.+)$)(?=[^@]+@([^@,]++))(?=[^@]+@([^@,]++))"
_RCPTS = rf"rcpts('smtp'):addr.lower.uniq.join(',').regexp('^{_ALL_RCPTS}{_ALL_RCPTS}[^@]+@\8(?:,[^@,]++@\8)*+$').drop_n(1).prepend('|')"
# An address and its domain, only where Rspamd has made another of it: else what an entry gives would be given twice.
_CHANGED = r"[^@+]+\+.*@.+|[^@]*\.[^@]*@gmail\.com"
_AS_WRITTEN = rf"(?|(.+@(googlemail\.com))|({_CHANGED})()|()().+)$"
_REGEXP_AS_WRITTEN = rf"(?i)(?|(.+@googlemail\.com|{_CHANGED})|().+)$"
_REPLY_TO = r"(?:(?<=<)|(?<![^\s,]))[^\s<>@,\x22]+@([^\s<>@,\x22]+)(?=>?\s*(?:$|,))"


def comparison(kind: MapKind, part: MapPart, header: str, virus_symbol: str) -> dict[str, Value]:
    """The settings of a multimap rule that say what is compared, and how."""
    if kind is MapKind.PAIR:
        return _selector(_pair(_NAMES[part]))
    if kind is MapKind.REGEXP:
        # All that match, not the first only: each may have a symbol of its own.
        return _of_pattern(part, header) | {"regexp": True, "multi": True}
    if part in _NAMES:
        return _selector(_sender(_NAMES[part], "(.+@(.+))", _AS_WRITTEN, 2))
    if part is MapPart.RCPT:
        return _selector("rcpts('smtp'):addr.lower.uniq.join(',').regexp('[^,]+@([^,@]+)').uniq")
    if part is MapPart.REPLY_TO:
        return _selector(f"header('Reply-To').lower.regexp('{_REPLY_TO}').uniq")
    if part is MapPart.SUBJECT:
        return _selector("header('Subject').lower_utf8")
    if part is MapPart.HEADER:
        return _selector(f"header('{header}','full'):decoded.lower_utf8")
    if part is MapPart.VIRUS:
        return {"type": "symbol_options", "target_symbol": virus_symbol}
    return {"type": _TYPES[part]} | _filter(kind, part)


def _of_pattern(part: MapPart, header: str) -> dict[str, Value]:
    if part in _NAMES:
        return _selector(_sender(_NAMES[part], "(.+)", _REGEXP_AS_WRITTEN, 1, case=""))
    if part is MapPart.RCPT:
        return _selector("rcpts('smtp'):addr.uniq")
    if part is MapPart.REPLY_TO:
        return _selector(f"header('Reply-To').regexp('{_REPLY_TO.replace('@([', '@(?:[')}')")
    if part is MapPart.BODY:
        return {"type": "content", "filter": "oneline"}
    if part in (MapPart.SUBJECT, MapPart.HEADER):
        return {"type": "header", "header": header if part is MapPart.HEADER else "Subject"}
    return {"type": _TYPES[part]} | _filter(MapKind.REGEXP, part)


def _filter(kind: MapKind, part: MapPart) -> dict[str, Value]:
    if part is MapPart.URL:
        return {"filter": "full"}
    return {"filter": "tld"} if kind is MapKind.DOMAIN else {}


def _selector(selector: str) -> dict[str, Value]:
    return {"type": "selector", "selector": selector}


def _pair(which: str) -> str:
    return f"{_sender(which, '(?=(.+@(.+))$)(.+@(.+))', f'(?={_AS_WRITTEN}){_AS_WRITTEN}', 4)};{_RCPTS}"


def _sender(which: str, pattern: str, as_written: str, groups: int, case: str = ".lower") -> str:
    """As Rspamd has it after it has taken away +tags and Google's dots, and as it was written."""
    empty = "()" * groups
    return (
        f"from('{which}'):addr{case}.regexp('^{pattern}{empty}$').drop_n(1);"
        f"from('{which}','orig'):addr{case}.regexp('^{empty}{as_written}').drop_n(1)"
    )
