"""The quick box: an address, domain, IP, queue id, message id or plain words, told apart by their form."""

import re

from app.errors import BadRequest
from app.forms.values import read_network
from app.queries.fields import Filter, Op

_DOMAIN = re.compile(r"@?(?:[^\s@.<>\"]+\.)+[^\s@.<>\"]{2,}")
# Postfix's short ids are hexadecimal; its long ones, and Exim's, are no words either.
_QUEUE_ID = re.compile(
    r"[0-9A-F]{8,15}|(?=.*[0-9])(?=.*[A-Za-z])[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{11,20}|[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
)
_MAX_WORDS = 8


def quick_filters(text: str) -> list[Filter]:
    if "@" in text and " " not in text and not text.startswith("@"):
        return [_quick_address(text)]
    if " " not in text and _is_network(text):
        return [Filter("ip", Op.IS, read_network(text))]
    if _DOMAIN.fullmatch(text):
        return [_any_of(("sender_domain", "from_domain", "rcpt_domain"), text.lstrip("@").lower())]
    if _QUEUE_ID.fullmatch(text):
        return [_any_of(("queue_id",), text)]
    return [Filter("subject", Op.CONTAINS, word) for word in text.split()[:_MAX_WORDS]]


def _quick_address(text: str) -> Filter:
    """A message id has the form of an address too."""
    inside = text.strip("<>")
    addresses = _any_of(("sender", "from", "rcpt"), inside.lower())
    return Filter("q", Op.IS, (*addresses.value, Filter("message_id", Op.IS, inside)))


def _any_of(fields: tuple[str, ...], value: str) -> Filter:
    return Filter("q", Op.IS, tuple(Filter(field, Op.IS, value) for field in fields))


def _is_network(text: str) -> bool:
    try:
        read_network(text)
    except BadRequest:
        return False
    return not text.isdigit()
