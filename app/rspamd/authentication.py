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


def checks_of(symbols: Iterable[Mapping[str, Any]]) -> list[Check]:
    """One of each method, in their usual order; AUTH_NA stands for none of SPF, DKIM and DMARC."""
    found: dict[str, tuple[int, Check]] = {}
    nothing = False
    for symbol in symbols:
        name = str(symbol.get("name", ""))
        nothing |= name in ("AUTH_NA", "AUTH_NA_OR_FAIL")
        if name in _VERDICTS:
            method, verdict = _VERDICTS[name]
            place = _ORDER[name]
            if method not in found or place < found[method][0]:
                found[method] = (place, Check(method, verdict, _domain(symbol)))
    for method in _METHODS[:3] if nothing else ():
        found.setdefault(method, (0, Check(method, Verdict.NONE, "")))
    return [found[method][1] for method in _METHODS if method in found]


def _domain(symbol: Mapping[str, Any]) -> str:
    """DKIM and DMARC name it first; SPF has "+ip4:..." there, which is no domain."""
    for option in symbol.get("options") or ():
        head = str(option).partition(":")[0].strip().lower()
        if _DOMAIN.fullmatch(head) and not head.replace(".", "").isdigit():
            return head
    return ""
