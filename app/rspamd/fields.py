"""Single fields of a report, from whatever type and spelling they came in. What is odd is noted, never fatal."""

import functools
import ipaddress
import math
from collections.abc import Mapping
from typing import Any

from app.errors import TooLarge
from app.mime.text import one_line
from app.rspamd.report import Limits
from app.rspamd.symbols import Symbol, tidy
from app.rspamd.values import as_line, as_text, load_json

_UNKNOWN = "unknown"
_UNDEFINED = "undef"  # what Rspamd calls a message without Message-ID
_LARGEST = 1e15


class Fields:
    """The metadata of one mail; every getter gives a clean value and remembers in `odd` what was not as it should be."""

    def __init__(self, values: Mapping[str, Any], limits: Limits) -> None:
        self._values, self._limits = values, limits
        self.odd: set[str] = set()

    def text(self, name: str) -> str:
        """One line; empty for missing and for Rspamd's `unknown`."""
        found = self._values.get(name)
        if isinstance(found, list | tuple | dict):
            self.odd.add(name)
            return ""
        text = as_line(found)
        return "" if text == _UNKNOWN else text

    def header(self, name: str) -> list[str]:
        """The values of one header of the message: a list, or the word for none."""
        found = self._values.get(name)
        if isinstance(found, list | tuple):
            return [as_line(item) for item in found]
        text = self.text(name)
        return [text] if text else []

    def subject(self) -> str:
        """A mail may call itself `unknown`; then only the list of its Subject lines tells it from one without subject."""
        text = self.text("subject")
        if not text and isinstance(self._values.get("header_subject"), list):
            return "".join(self.header("header_subject")[:1])
        return text

    def message_id(self) -> str:
        text = self.text("message_id").strip("<> \t")
        return "" if text == _UNDEFINED else text

    def number(self, name: str, *, at_least: float = -_LARGEST) -> float | None:
        found = self._values.get(name)
        if found is None or found in ("", _UNKNOWN, b""):
            return None
        try:
            number = float(as_text(found) if isinstance(found, bytes) else found)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not at_least <= number <= _LARGEST:  # nan is neither
            self.odd.add(name)
            return None
        return number

    def address(self, name: str) -> str | None:
        text = self.text(name)
        found = _canonical(text)
        if text and not found:
            self.odd.add(name)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of one-line values, from JSON text as well. A single value that is no JSON counts as one."""
        found = self._values.get(name)
        if isinstance(found, str | bytes) and found[:1] not in ("[", b"[", "{", b"{"):
            text = self.text(name)
            self.odd.update([name] if text else [])
            return (text,) if text else ()
        return tuple(line for item in self._list(name) if (line := self._item(name, item)))

    def _item(self, name: str, item: Any) -> str:
        if item is None or isinstance(item, dict | list | tuple | bool):
            self.odd.add(name)
            return ""
        return as_line(item)

    def recipients(self) -> tuple[str, ...]:
        found = self.texts("rcpt")
        if len(found) > self._limits.recipients:
            raise TooLarge(f"{len(found)} recipients are more than MAX_RECIPIENTS = {self._limits.recipients}")
        return found

    def symbols(self) -> tuple[Symbol, ...]:
        found = self._list("symbols")
        if len(found) > self._limits.symbols:
            raise TooLarge(f"{len(found)} symbols are more than MAX_SYMBOLS = {self._limits.symbols}")
        symbols, good = tidy(found)
        if not good:
            self.odd.add("symbols")
        return symbols

    def _list(self, name: str) -> list[Any]:
        found = self._values.get(name)
        if isinstance(found, str | bytes) and found not in ("", _UNKNOWN, b"", b"unknown"):
            try:
                found = load_json(found)
            except ValueError:
                found = False
        if isinstance(found, list):
            return found
        if found not in (None, "", _UNKNOWN, b"", b"unknown", {}):  # {} is Lua's empty list
            self.odd.add(name)
        return []


@functools.lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    """IPv4 written as IPv6 is the IPv4 address; a zone is left out."""
    try:
        found = ipaddress.ip_address(one_line(text).strip("[]").partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)
