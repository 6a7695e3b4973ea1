"""Whether SPF, DKIM or DMARC proves that a mail comes from its sender's domain: anybody can write an address."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.rspamd.authentication import Verdict, checks_of, signers_of
from app.rspamd.map_domains import read_domain
from app.rspamd.map_kinds import MapPart
from app.rspamd.map_wrong import WrongValue


def proven_parts(symbols: Iterable[Mapping[str, Any]], mail_from_domain: str, mime_from_domain: str) -> frozenset[MapPart]:
    """Which of the two senders are proven. The envelope's: SPF passed. The header's: DMARC passed; or DKIM passed for its domain or one
    above it, never one below; or SPF passed and the envelope's domain is that."""
    symbols = list(symbols)
    passed = {check.method: check.domain for check in checks_of(symbols, mail_from_domain) if check.verdict is Verdict.PASSED}
    by_spf = "SPF" in passed and bool(mail_from_domain)
    parts = {MapPart.MAIL_FROM} if by_spf else set()
    if mime_from_domain and (
        # Rspamd names the domain whose policy it was. Of two addresses in From it may mean the other one.
        ("DMARC" in passed and (not passed["DMARC"] or is_at_or_above(passed["DMARC"], mime_from_domain)))
        or any(is_at_or_above(signer, mime_from_domain) for signer in signers_of(symbols))
        or (by_spf and is_at_or_above(mail_from_domain, mime_from_domain))
    ):
        parts.add(MapPart.MIME_FROM)
    return frozenset(parts)


def is_at_or_above(domain: str, of: str) -> bool:
    """mail.example.com is below example.com. What has no dot is above everybody, and so above nobody."""
    domain, of = _as_in_dns(domain), _as_in_dns(of)
    return domain == of or ("." in domain and of.endswith(f".{domain}"))


def _as_in_dns(domain: str) -> str:
    """A signature names a domain so; a From may write it as people do."""
    try:
        return read_domain(domain)[0]
    except WrongValue:
        return domain
