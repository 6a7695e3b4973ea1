"""What proves a sender, and what only looks like it."""

from typing import Any

import pytest

from app.rspamd.map_kinds import MapPart
from app.rspamd.proof import proven_parts

ENVELOPE, HEADER = MapPart.MAIL_FROM, MapPart.MIME_FROM


def symbol(name: str, *options: str) -> dict[str, Any]:
    return {"name": name, "score": 0.0, "options": list(options)}


SPF = symbol("R_SPF_ALLOW", "+ip4:192.0.2.0/24")


def dkim(*signers: str) -> dict[str, Any]:
    return symbol("R_DKIM_ALLOW", *(f"{signer}:s=key" for signer in signers))


# Symbols, the envelope's domain, that of From, and what is proven.
CASES: list[tuple[list[dict[str, Any]], str, str, set[MapPart]]] = [
    ([], "a.example", "a.example", set()),
    ([SPF], "a.example", "b.example", {ENVELOPE}),
    ([SPF], "", "b.example", set()),  # of a bounce SPF looks at the HELO
    ([SPF, symbol("R_SPF_PLUSALL")], "a.example", "a.example", set()),
    ([symbol("R_SPF_SOFTFAIL")], "a.example", "a.example", set()),
    ([SPF], "a.example", "a.example", {ENVELOPE, HEADER}),
    ([SPF], "a.example", "mail.a.example", {ENVELOPE, HEADER}),
    ([SPF], "mail.a.example", "a.example", {ENVELOPE}),
    ([SPF], "example", "a.example", {ENVELOPE}),
    ([SPF], "le.example", "apple.example", {ENVELOPE}),
    ([dkim("a.example")], "x.example", "a.example", {HEADER}),
    ([dkim("x.example", "a.example")], "x.example", "mail.a.example", {HEADER}),
    ([dkim("mail.a.example")], "", "a.example", set()),
    ([dkim("com")], "", "bank.com", set()),
    ([symbol("R_DKIM_REJECT", "a.example:s=key")], "", "a.example", set()),
    ([dkim("x.example"), symbol("DKIM_TRACE", "x.example:+", "a.example:-")], "", "a.example", set()),
    ([symbol("DKIM_TRACE", "a.example:+")], "", "a.example", {HEADER}),
    ([symbol("DKIM_TRACE", "a.example:-", "a.example:~", "a.example:+:-")], "", "a.example", set()),
    ([symbol("DMARC_POLICY_ALLOW", "a.example", "none")], "", "mail.a.example", {HEADER}),
    ([symbol("DMARC_POLICY_ALLOW")], "", "a.example", {HEADER}),
    ([symbol("DMARC_POLICY_ALLOW", "evil.example", "none")], "", "a.example", set()),
    ([symbol("DMARC_POLICY_ALLOW", "a.example"), symbol("DMARC_POLICY_REJECT", "a.example")], "", "a.example", set()),
    ([dkim("xn--rksmrgs-5wao1o.example")], "", "räksmörgås.example", {HEADER}),
    ([symbol("FORGED_SENDER"), symbol("ARC_ALLOW", "a.example:s=k:i=1")], "a.example", "a.example", set()),
    ([dkim("a.example"), SPF], "a.example", "", {ENVELOPE}),
]


@pytest.mark.parametrize(("symbols", "envelope", "header", "proven"), CASES)
def test_what_is_proven(symbols: list[dict[str, Any]], envelope: str, header: str, proven: set[MapPart]) -> None:
    assert proven_parts(symbols, envelope, header) == proven
    assert proven_parts(reversed(symbols), envelope, header) == proven


@pytest.mark.parametrize("options", [None, "a.example:+", [None, 7, "", ":+", "\0:+", "+"], ["a.example" * 400 + ":+"]])
def test_odd_options_prove_nothing_and_break_nothing(options: Any) -> None:
    names = ("R_DKIM_ALLOW", "DKIM_TRACE", "DMARC_POLICY_ALLOW_WITH_FAILURES")
    assert proven_parts([{"name": name, "options": options} for name in names[:2]], "", "a.example") <= {HEADER}
    assert proven_parts([{"name": "DKIM_TRACE", "options": options}], "", "") == set()
