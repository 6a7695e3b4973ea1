"""SPF, DKIM, DMARC and ARC as the symbols tell them."""

from typing import Any

import pytest

from app.rspamd.authentication import Verdict, checks_of


def verdict_of(name: str, *options: str, sender: str = "") -> tuple[str, Verdict, str]:
    [check] = checks_of([{"name": name, "options": list(options)}], sender)
    return check.method, check.verdict, check.domain


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("R_SPF_ALLOW", Verdict.PASSED),
        ("R_SPF_FAIL", Verdict.FAILED),
        ("R_SPF_SOFTFAIL", Verdict.WEAK),
        ("R_SPF_PLUSALL", Verdict.WEAK),
        ("R_SPF_NEUTRAL", Verdict.UNSURE),
        ("R_SPF_DNSFAIL", Verdict.UNSURE),
        ("R_SPF_PERMFAIL", Verdict.UNSURE),
    ],
)
def test_spf_is_about_the_envelope_sender_whatever_the_options_say(name: str, verdict: Verdict) -> None:
    assert verdict_of(name, "+mx:c", "bank.example", sender="example.net") == ("SPF", verdict, "example.net")


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("R_DKIM_ALLOW", "example.net:s=key", ("DKIM", Verdict.PASSED, "example.net")),
        ("R_DKIM_REJECT", "example.net:s=key", ("DKIM", Verdict.FAILED, "example.net")),
        ("R_DKIM_TEMPFAIL", "example.net:s=key", ("DKIM", Verdict.UNSURE, "example.net")),
        ("DMARC_POLICY_ALLOW", "Example.NET", ("DMARC", Verdict.PASSED, "example.net")),
        ("DMARC_POLICY_ALLOW_WITH_FAILURES", "example.net", ("DMARC", Verdict.PASSED, "example.net")),
        ("DMARC_POLICY_REJECT", "example.net : No valid SPF, No valid DKIM", ("DMARC", Verdict.FAILED, "example.net")),
        ("DMARC_POLICY_QUARANTINE", "example.net : No valid SPF", ("DMARC", Verdict.FAILED, "example.net")),
        ("DMARC_POLICY_SOFTFAIL", "example.net : No valid SPF", ("DMARC", Verdict.WEAK, "example.net")),
        ("DMARC_BAD_POLICY", "example.net", ("DMARC", Verdict.UNSURE, "example.net")),
        ("ARC_ALLOW", "example.net:s=arc:i=1", ("ARC", Verdict.PASSED, "example.net")),
        ("ARC_REJECT", "signature check failed: fail, {[1] = sig:example.net:reject}", ("ARC", Verdict.FAILED, "")),
    ],
)
def test_the_others_name_their_domain(name: str, option: str, expected: tuple[str, Verdict, str]) -> None:
    assert verdict_of(name, option) == expected


@pytest.mark.parametrize("name", ["R_SPF_NA", "R_DKIM_NA", "DMARC_NA", "ARC_NA"])
def test_what_is_not_used_has_no_domain(name: str) -> None:
    assert verdict_of(name, "example.net", sender="example.net")[1:] == (Verdict.NONE, "")


def test_nothing_known_is_nothing_said() -> None:
    assert checks_of([{"name": "BAYES_SPAM"}, {}]) == []
    assert [check.verdict for check in checks_of([{"name": "AUTH_NA"}])] == [Verdict.NONE] * 3


@pytest.mark.parametrize("names", [("R_DKIM_ALLOW", "R_DKIM_REJECT"), ("R_DKIM_REJECT", "R_DKIM_ALLOW")])
def test_one_good_signature_is_enough_in_whatever_order_they_come(names: tuple[str, ...]) -> None:
    [check] = checks_of([{"name": name, "options": [f"{name[7:].lower()}.example:s=x"]} for name in names])
    assert (check.verdict, check.domain) == (Verdict.PASSED, "allow.example")


def test_a_trace_names_only_a_signature_with_the_same_outcome() -> None:
    trace: dict[str, Any] = {"name": "DKIM_TRACE", "options": ["bank.example:-", "example.net:+"]}
    assert [check.domain for check in checks_of([{"name": "R_DKIM_ALLOW"}, trace])] == ["example.net"]
    assert [check.domain for check in checks_of([trace, {"name": "R_DKIM_REJECT"}])] == ["bank.example"]
    assert [check.domain for check in checks_of([trace, {"name": "R_DKIM_TEMPFAIL"}])] == [""]


def test_options_that_are_no_domain_are_none() -> None:
    for option in ("192.0.2.1", "no domain", "a" * 300 + ".example", "<b>.example", "example.net\n.x", ""):
        assert verdict_of("DMARC_POLICY_ALLOW", option)[2] == ""
