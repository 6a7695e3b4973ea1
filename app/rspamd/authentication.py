"""What SPF, DKIM, DMARC and ARC said, as far as Rspamd's symbols tell."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any


@unique
class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    WEAK = "weak"
    NONE = "none"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Check:
    method: str
    verdict: Verdict
    domain: str
    """The one it was about, where the symbol's options tell."""


_METHODS = ("SPF", "DKIM", "DMARC", "ARC")
# By symbol: method and verdict. Where several of a method are there, the one that stands first here counts.
_VERDICTS: dict[str, tuple[str, Verdict]] = {
    "R_SPF_FAIL": ("SPF", Verdict.FAILED),
    "R_SPF_PLUSALL": ("SPF", Verdict.WEAK),
    "R_SPF_SOFTFAIL": ("SPF", Verdict.WEAK),
    "R_SPF_ALLOW": ("SPF", Verdict.PASSED),
    "R_SPF_NEUTRAL": ("SPF", Verdict.UNSURE),
    "R_SPF_DNSFAIL": ("SPF", Verdict.UNSURE),
    "R_SPF_PERMFAIL": ("SPF", Verdict.UNSURE),
    "R_SPF_NA": ("SPF", Verdict.NONE),
    "R_DKIM_ALLOW": ("DKIM", Verdict.PASSED),
    "R_DKIM_REJECT": ("DKIM", Verdict.FAILED),
    "R_DKIM_TEMPFAIL": ("DKIM", Verdict.UNSURE),
    "R_DKIM_PERMFAIL": ("DKIM", Verdict.UNSURE),
    "R_DKIM_NA": ("DKIM", Verdict.NONE),
    "DMARC_POLICY_REJECT": ("DMARC", Verdict.FAILED),
    "DMARC_POLICY_QUARANTINE": ("DMARC", Verdict.FAILED),
    "DMARC_POLICY_SOFTFAIL": ("DMARC", Verdict.WEAK),
    "DMARC_POLICY_ALLOW_WITH_FAILURES": ("DMARC", Verdict.PASSED),
    "DMARC_POLICY_ALLOW": ("DMARC", Verdict.PASSED),
    "DMARC_BAD_POLICY": ("DMARC", Verdict.UNSURE),
    "DMARC_DNSFAIL": ("DMARC", Verdict.UNSURE),
    "DMARC_NA": ("DMARC", Verdict.NONE),
    "ARC_REJECT": ("ARC", Verdict.FAILED),
    "ARC_INVALID": ("ARC", Verdict.FAILED),
    "ARC_ALLOW": ("ARC", Verdict.PASSED),
    "ARC_DNSFAIL": ("ARC", Verdict.UNSURE),
    "ARC_NA": ("ARC", Verdict.NONE),
}
_ORDER = {name: place for place, name in enumerate(_VERDICTS)}
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z0-9-]{2,63}", re.IGNORECASE)


_TRACED = {"+": Verdict.PASSED, "-": Verdict.FAILED, "?": Verdict.UNSURE, "~": Verdict.UNSURE}
"""What DKIM_TRACE says behind each signature's domain."""


def checks_of(symbols: Iterable[Mapping[str, Any]], sender_domain: str = "") -> list[Check]:
    """One of each method, in their usual order; AUTH_NA stands for none of SPF, DKIM and DMARC.

    SPF is about the envelope sender's domain, which its symbols do not tell.
    """
    names = {str(symbol.get("name", "")): symbol for symbol in symbols}
    found: dict[str, Check] = {}
    for name in sorted(names.keys() & _VERDICTS.keys(), key=_ORDER.__getitem__):
        method, verdict = _VERDICTS[name]
        domain = sender_domain if method == "SPF" else _domain(names[name])
        if method == "DKIM" and not domain:
            domain = _traced(names.get("DKIM_TRACE", {}), verdict)
        found.setdefault(method, Check(method, verdict, "" if verdict == Verdict.NONE else domain))
    if "AUTH_NA" in names or "AUTH_NA_OR_FAIL" in names:
        for method in _METHODS[:3]:
            found.setdefault(method, Check(method, Verdict.NONE, ""))
    return [found[method] for method in _METHODS if method in found]


def signers_of(symbols: Iterable[Mapping[str, Any]]) -> set[str]:
    """Domains whose DKIM signatures hold. What there is of others proves nothing."""
    signers: set[str] = set()
    for symbol in symbols:
        options = [str(option) for option in symbol.get("options") or ()]
        if symbol.get("name") == "R_DKIM_ALLOW":
            signers |= {_as_domain(option.partition(":")[0]) for option in options}
        elif symbol.get("name") == "DKIM_TRACE":
            signers |= {_as_domain(option[:-2]) for option in options if option.endswith(":+")}
    return signers - {""}


def _domain(symbol: Mapping[str, Any]) -> str:
    """DKIM, DMARC and ARC name it first."""
    heads = (str(option).partition(":")[0] for option in symbol.get("options") or ())
    return next((domain for head in heads if (domain := _as_domain(head))), "")


def _traced(trace: Mapping[str, Any], verdict: Verdict) -> str:
    """Of a signature with that verdict alone: anybody can add one that fails in a bank's name."""
    pairs = (str(option).rpartition(":") for option in trace.get("options") or ())
    return next((domain for head, _, sign in pairs if _TRACED.get(sign) == verdict and (domain := _as_domain(head))), "")


def _as_domain(text: str) -> str:
    domain = text.strip().lower()
    return domain if _DOMAIN.fullmatch(domain) and not domain.replace(".", "").isdigit() else ""
