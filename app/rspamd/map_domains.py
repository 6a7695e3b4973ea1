"""Domains, hosts, addresses and URLs in the form in which Rspamd compares them."""

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

import idna

from app.rspamd.map_wrong import Caution, Wrong, WrongValue

Found = tuple[str, tuple[Caution, ...]]
"""A normal form, and what to mind of it."""
ADDRESS_LENGTH = 254
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z")
_PLAIN_ADDRESS = re.compile(r"[a-z0-9!$%&'*+/=?^_`{|}~.-]{1,64}@([a-z0-9.-]{1,253})\Z")
_NAMED = re.compile(r"[^<>]*<([^<>]*)>\Z")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_NUMBERS = re.compile(r"[0-9.]+\Z")
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(text: str) -> str:
    """Rspamd compares without case, but of ASCII alone."""
    return text.lower() if text.isascii() else text.translate(_UPPER)


def read_domain(text: str) -> Found:
    """Its A-labels. Rspamd compares what the mail says, byte for byte, and a domain in mail is nearly always in A-labels."""
    domain = text.removeprefix("@").removesuffix(".").lower()
    if domain.startswith((".", "*.")):
        raise WrongValue(Wrong.SUBDOMAINS, text)
    if "@" in domain:
        raise WrongValue(Wrong.ADDRESS_FOR_DOMAIN, text)
    cautions: tuple[Caution, ...] = ()
    if not domain.isascii() or "xn--" in domain:
        domain, cautions = _international(domain, text)
    if not _DOMAIN.match(domain) or _NUMBERS.match(domain):
        raise WrongValue(Wrong.DOMAIN, text)
    return domain, cautions if "." in domain else (*cautions, Caution.NO_DOT)


def _international(domain: str, text: str) -> Found:
    try:
        labels = [_label(label) for label in idna.uts46_remap(domain, std3_rules=False).split(".")]
        shown = [idna.ulabel(label) if label.startswith("xn--") else label for label in labels]
    except (idna.IDNAError, UnicodeError):
        raise WrongValue(Wrong.DOMAIN, text) from None
    mixed = any(_is_mixed(label) for label in shown)
    return ".".join(labels), (Caution.MIXED_SCRIPTS,) if mixed else ()


def _label(label: str) -> str:
    return label if label.isascii() and not label.startswith("xn--") else idna.alabel(label).decode("ascii")


def _is_mixed(label: str) -> bool:
    """Letters that look like others: as a rule one label is of one script."""
    scripts = {unicodedata.name(char, "?").split(" ")[0] for char in label if char.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1


def read_address(text: str) -> Found:
    """As Rspamd has it after parsing: a quoted local part without its quotes, what is not ASCII in the local part as it is."""
    lower = fold(text)
    plain = _PLAIN_ADDRESS.match(lower)
    if plain and len(lower) <= ADDRESS_LENGTH and "xn--" not in lower:
        domain, cautions = read_domain(plain[1])
        return (lower if lower.endswith(domain) else lower[: lower.index("@") + 1] + domain), cautions
    named = _NAMED.match(text)
    local, at, host = (named[1].strip() if named else text).rpartition("@")
    if not at or not local or not host:
        raise WrongValue(Wrong.ADDRESS, text)
    local, cautions = _local_part(local)
    domain, more = _literal(host) if host.startswith("[") else read_domain(host)
    address = f"{local}@{domain}"
    if len(address.encode()) > ADDRESS_LENGTH:
        raise WrongValue(Wrong.TOO_LONG, text)
    return address, cautions + more


def _local_part(text: str) -> Found:
    quoted = _QUOTED.match(text)
    local = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    local = unicodedata.normalize("NFC", fold(local))
    if not local or local != local.strip() or re.search(r'["\\@<>,;:()\[\]]' if not quoted else r'["\\@<>]', local):
        raise WrongValue(Wrong.LOCAL_PART, text)
    return local, (Caution.BLANK,) if " " in local else ()


def _literal(text: str) -> Found:
    try:
        address = text[1:-1] if text.endswith("]") else ""
        return f"[{ipaddress.ip_address(address.lower().removeprefix('ipv6:'))}]", ()
    except ValueError:
        raise WrongValue(Wrong.DOMAIN, text) from None


def read_address_or_domain(text: str) -> Found:
    whole = text.removeprefix("*") if text.startswith("*@") else text
    return read_address(whole) if "@" in whole.removeprefix("@") else read_domain(whole)


def read_host(text: str) -> Found:
    """A name or an address, in brackets where a HELO has them."""
    if text.startswith("["):
        return _literal(text)
    try:
        return str(ipaddress.ip_address(text)), ()
    except ValueError:
        return read_domain(text)


def read_url(text: str) -> Found:
    if " " in text:
        raise WrongValue(Wrong.BLANK, text)
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise WrongValue(Wrong.URL, text) from None
    if not parts.scheme or not host or not text.lower().startswith(f"{parts.scheme}://"):
        raise WrongValue(Wrong.URL, text)
    if host.isascii():
        return fold(text), ()
    name, cautions = read_domain(host)
    at = text.lower().index(host)
    return fold(text[:at] + name + text[at + len(host) :]), cautions
