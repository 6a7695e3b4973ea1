"""Single values of a report, from whatever type and spelling they came in. What is odd is noted, never fatal."""

import ipaddress
import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import TooLarge
from app.mime.headers import clean, decode_value, one_line
from app.rspamd.report import Limits

_UNKNOWN = "unknown"
_MAX_OPTIONS = 200
_MAX_OPTION = 2000
_MAX_NAME = 255


class Fields:
    """The metadata of one mail; every getter gives a clean value and remembers in `odd` what was not as it should be."""

    def __init__(self, values: Mapping[str, Any], limits: Limits) -> None:
        self._values, self._limits = values, limits
        self.odd: set[str] = set()

    def text(self, name: str) -> str:
        """One line; empty for missing and for Rspamd's `unknown`."""
        found = self._values.get(name)
        if found is None:
            return ""
        if isinstance(found, list | tuple):
            return one_line(", ".join(as_text(item) for item in found[:1000]))
        if isinstance(found, dict):
            self.odd.add(name)
            return ""
        text = one_line(as_text(found))
        return "" if text == _UNKNOWN else text

    def number(self, name: str) -> float | None:
        found = self._values.get(name)
        if found is None or found == "":
            return None
        try:
            number = float(as_text(found) if isinstance(found, bytes) else found)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number) or abs(number) > 1e15:
            self.odd.add(name)
            return None
        return number

    def address(self, name: str) -> str | None:
        text = self.text(name)
        try:
            found = ipaddress.ip_address(text.strip("[]").partition("%")[0]) if text else None
        except ValueError:
            self.odd.add(name)
            return None
        if found is None:
            return None
        return str(getattr(found, "ipv4_mapped", None) or found)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of one-line values, from JSON text as well."""
        return tuple(one_line(as_text(item)) for item in self._list(name) if item not in ("", None))

    def recipients(self) -> tuple[str, ...]:
        found = self.texts("rcpt")
        if len(found) > self._limits.recipients:
            raise TooLarge(f"{len(found)} recipients are more than MAX_RECIPIENTS = {self._limits.recipients}")
        return found

    def symbols(self) -> tuple[dict[str, Any], ...]:
        found = self._list("symbols")
        if len(found) > self._limits.symbols:
            raise TooLarge(f"{len(found)} symbols are more than MAX_SYMBOLS = {self._limits.symbols}")
        symbols = [symbol for item in found if (symbol := self._symbol(item))]
        symbols.sort(key=lambda symbol: symbol["name"])
        return tuple(symbols)

    def _symbol(self, item: Any) -> dict[str, Any] | None:
        name = one_line(as_text(item.get("name", "")))[:_MAX_NAME] if isinstance(item, dict) else ""
        if not name:
            self.odd.add("symbols")
            return None
        symbol: dict[str, Any] = {"name": name, "score": self._finite(item.get("score"))}
        if "weight" in item:
            symbol["weight"] = self._finite(item["weight"])
        if item.get("group"):
            symbol["group"] = one_line(as_text(item["group"]))[:_MAX_NAME]
        for key in ("groups", "options"):
            values = item.get(key)
            if isinstance(values, list) and values:
                symbol[key] = [one_line(as_text(value))[:_MAX_OPTION] for value in values[:_MAX_OPTIONS]]
        return symbol

    def _finite(self, value: Any) -> float:
        if type(value) in (int, float) and -1e15 < value < 1e15:
            return round(float(value), 6)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number) and abs(number) < 1e15:
            return round(number, 6)
        self.odd.add("symbols")
        return 0.0

    def _list(self, name: str) -> list[Any]:
        found = self._values.get(name)
        if found is None or found in ("", _UNKNOWN, b"", b"unknown"):
            return []
        if isinstance(found, str | bytes):
            try:
                found = load_json(found)
            except ValueError:
                self.odd.add(name)
                return []
        if isinstance(found, dict) and not found:
            return []  # Lua's empty table
        if not isinstance(found, list):
            self.odd.add(name)
            return []
        return found


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    return clean(str(value))[:10_000]


def header_text(value: str) -> str:
    """A header value as WSGI hands it over: raw UTF-8 from Rspamd 3.4, encoded words from later ones."""
    return decode_value(value.encode("latin-1", "replace"))


def load_json(text: str | bytes) -> Any:
    """Raises ValueError. Bytes that are no UTF-8, lone surrogates and numbers past all bounds do not make JSON unreadable."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text if isinstance(text, str) else text.decode("utf-8", "replace"))
        except RecursionError:
            raise ValueError("nested too deep") from None
