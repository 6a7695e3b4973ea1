"""Domains, hosts, addresses and URLs in the form in which Rspamd compares them."""

import functools
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
_PLAIN_ADDRESS = re.compile(r"[a-z0-9!$%&'*/=?^_`{|}~.-]+@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})\Z")
"""Nearly every address."""
_PLAIN_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_GMAIL = ("gmail.com", "googlemail.com")
_PECULIAR = re.compile(r"xn--|gmail\.com\Z|googlemail\.com\Z")
_NAMED = re.compile(r"[^<>]*<([^<>]*)>\Z")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_NEVER_LOCAL = re.compile(r'["\\@<>,;:()\[\]]')
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_NUMBERS = re.compile(r"[0-9.]+\Z")
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(text: str) -> str:
    """Rspamd compares without case, but of ASCII alone."""
    return text.lower() if text.isascii() else text.translate(_UPPER)


def read_domain(text: str) -> Found:
    """Its A-labels. Rspamd compares what the mail says, byte for byte, and a domain in mail is nearly always in A-labels."""
    domain = text.lower()
    if _PLAIN_DOMAIN.match(domain) and not _PECULIAR.search(domain):
        return domain, ()
    domain = domain.removeprefix("@").removesuffix(".")
    if domain.startswith((".", "*.")):
        raise WrongValue(Wrong.SUBDOMAINS, text)
    if "@" in domain:
        raise WrongValue(Wrong.ADDRESS_FOR_DOMAIN, text)
    cautions: tuple[Caution, ...] = ()
    if not domain.isascii() or "xn--" in domain:
        domain, cautions = _international(domain, text)
    if not _DOMAIN.match(domain) or _NUMBERS.match(domain):
        raise WrongValue(Wrong.DOMAIN, text)
    if domain == "googlemail.com":
        cautions = (*cautions, Caution.GOOGLEMAIL)
    return domain, cautions if "." in domain else (*cautions, Caution.NO_DOT)


@functools.lru_cache(maxsize=4096)
def _international(domain: str, text: str) -> Found:
    if len(domain) > 253:
        raise WrongValue(Wrong.DOMAIN, text)
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
        labels = [_label(label) for label in mapped.removesuffix(".").split(".")]
        shown = [label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label for label in labels]
    except (idna.IDNAError, UnicodeError):
        raise WrongValue(Wrong.DOMAIN, text) from None
    mixed = any(_is_mixed(label) for label in shown)
    return ".".join(labels), (Caution.MIXED_SCRIPTS,) if mixed else ()


def _label(label: str) -> str:
    """What IDNA 2008 refuses and UTS 46 allows, as pictures, is registered all the same."""
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        if any(unicodedata.category(char)[0] == "C" and char not in "\u200c\u200d" for char in label):
            raise
        return f"xn--{label.encode('punycode').decode('ascii')}"


def _is_mixed(label: str) -> bool:
    """Letters that look like others: as a rule one label is of one script."""
    scripts = {unicodedata.name(char, "?").split(" ")[0] for char in label if char.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1


def read_address(text: str) -> Found:
    """As Rspamd has it when it asks a map: a quoted local part without its quotes, what is not ASCII in the local part as it is; a tag
    (bob+news@) is taken off, and at Gmail the dots."""
    lower = fold(text)
    if len(lower) <= ADDRESS_LENGTH and _PLAIN_ADDRESS.match(lower) and not _PECULIAR.search(lower) and lower.find("@") <= 64:
        return lower, ()
    named = _NAMED.match(text)
    local, at, host = (named[1].strip() if named else text).rpartition("@")
    if not at or not local or not host:
        raise WrongValue(Wrong.ADDRESS, text)
    domain, cautions = _literal(host) if host.startswith("[") else read_domain(host)
    local, more = _local_part(local, domain)
    address = f"{local}@{domain}"
    if len(address.encode()) > ADDRESS_LENGTH:
        raise WrongValue(Wrong.TOO_LONG, text)
    return address, more + cautions


def _local_part(text: str, domain: str) -> Found:
    quoted = _QUOTED.match(text)
    local = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    local = unicodedata.normalize("NFC", fold(local))
    if not local or local != local.strip() or len(local.encode()) > 64 or _NEVER_LOCAL.search(local):
        raise WrongValue(Wrong.LOCAL_PART, text)
    plain = _without_tag(local, domain)
    cautions = (Caution.ALIAS,) if plain != local else ()
    return plain, (*cautions, Caution.BLANK) if " " in plain else cautions


def _without_tag(local: str, domain: str) -> str:
    if domain in _GMAIL:
        local = local.replace(".", "") or local
    return local.partition("+")[0].strip() or local


def _literal(text: str) -> Found:
    try:
        address = text[1:-1] if text.endswith("]") else ""
        return f"[{ipaddress.ip_address(address.lower().removeprefix('ipv6:'))}]", ()
    except ValueError:
        raise WrongValue(Wrong.DOMAIN, text) from None


def read_address_or_domain(text: str) -> Found:
    whole = text[1:] if text.startswith("*@") else text
    return read_address(whole) if "@" in whole.removeprefix("@") else read_domain(whole)


def read_host(text: str) -> Found:
    """A name or an address, in brackets where a HELO has them."""
    if text.startswith("["):
        return _literal(text)
    try:
        return str(ipaddress.ip_address(text)), ()
    except ValueError:
        pass
    try:
        return read_domain(text)
    except WrongValue as wrong:
        raise WrongValue(Wrong.HOST if wrong.reason is Wrong.DOMAIN else wrong.reason, wrong.detail) from None


def read_url(text: str) -> Found:
    """As Rspamd compares it: what is written as %41 is its character. Only a blank stays %20 here, and is one when it is published."""
    if " " in text:
        raise WrongValue(Wrong.BLANK, text)
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise WrongValue(Wrong.URL, text) from None
    if not parts.scheme or not host or not text.lower().startswith(f"{parts.scheme}://"):
        raise WrongValue(Wrong.URL, text)
    cautions: tuple[Caution, ...] = ()
    if not host.isascii():
        name, cautions = read_domain(host)
        at = text.lower().index(host)
        text = text[:at] + name + text[at + len(host) :]
    while "%" in text:
        decoded = _PERCENT.sub(_decoded, text)
        if decoded == text:
            break
        text = decoded
    if '"' in text and ("#" in text or "%20" in text):
        raise WrongValue(Wrong.QUOTES, text)
    return fold(text), cautions


def _decoded(run: re.Match[str]) -> str:
    """As it was where that is no text, or one that nobody sees."""
    try:
        text = bytes.fromhex(run[0].replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return run[0]
    return text.replace(" ", "%20") if text.isprintable() and "\\" not in text else run[0]
