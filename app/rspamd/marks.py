"""What a mail is marked with because of its symbols: a hit in a list of ours, a dangerous attachment."""

import re
from collections.abc import Iterable
from typing import Any

# Public lists, which are no maps of the site, whatever their names end in.
_PUBLIC = r"(?!(?:RBL|RWL|DWL|DBL|URIBL|SURBL|MSBL|SEM|RCVD|RECEIVED|SPAMHAUS|MAILSPIKE)_)"
_ALLOW = re.compile(_PUBLIC + r".*_(?:WL|WHITELIST)(?![^_\d])", re.DOTALL).match
_DENY = re.compile(_PUBLIC + r".*_(?:BL|BLACKLIST)(?![^_\d])", re.DOTALL).match
_RISKS = frozenset(
    {
        "MIME_BAD_ATTACHMENT",
        "MIME_BAD_EXTENSION",
        "MIME_DOUBLE_BAD_EXTENSION",
        "MIME_BAD_UNICODE",
        "MIME_ARCHIVE_IN_ARCHIVE",
        "MIME_ENCRYPTED_ARCHIVE",
        "MIME_OBFUSCATED_ARCHIVE",
        "MIME_EXE_IN_GEN_SPLIT_RAR",
        "PDF_JAVASCRIPT",
        "PDF_SUSPICIOUS",
        "OLETOOLS",
    }
)
# What a scanner calls such an attachment: CLAM_VIRUS_MACRO, OLETOOLS_ENCRYPTED, PDF_ENCRYPTED.
_RISKY_ENDS = ("_MACRO", "_ENCRYPTED")


def listing_of(symbols: Iterable[dict[str, Any]]) -> str:
    """ "allow", "deny" or nothing; a deny outweighs an allow."""
    names = [symbol["name"] for symbol in symbols]
    if any(map(_DENY, names)):
        return "deny"
    return "allow" if any(map(_ALLOW, names)) else ""


def risk_of(symbols: Iterable[dict[str, Any]]) -> bool:
    return any(symbol["name"] in _RISKS or symbol["name"].endswith(_RISKY_ENDS) for symbol in symbols)
