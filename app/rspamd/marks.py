"""What a mail is marked with because of its symbols: a hit in a list of ours, a dangerous attachment."""

import re
from collections.abc import Iterable
from typing import Any

_ALLOW = re.compile(r".*_(?:WL|WHITELIST)(?![A-Z])").match
_DENY = re.compile(r".*_(?:BL|BLACKLIST)(?![A-Z])").match
_RISKS = frozenset({"MIME_BAD_EXTENSION", "MIME_DOUBLE_BAD_EXTENSION", "MIME_BAD_ATTACHMENT", "MIME_ENCRYPTED_ARCHIVE"})


def listing_of(symbols: Iterable[dict[str, Any]]) -> str:
    """ "allow", "deny" or nothing; a deny outweighs an allow."""
    names = [symbol["name"] for symbol in symbols]
    if any(map(_DENY, names)):
        return "deny"
    return "allow" if any(map(_ALLOW, names)) else ""


def risk_of(symbols: Iterable[dict[str, Any]]) -> bool:
    return any(symbol["name"] in _RISKS for symbol in symbols)
