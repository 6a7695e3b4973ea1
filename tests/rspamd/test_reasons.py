"""Symbols gathered into reasons and proofs; marks of lists and attachments."""

import json
import pathlib
import re

import pytest
from flask import Flask

from app.rspamd.authentication import Verdict, checks_of
from app.rspamd.marks import listing_of, risk_of
from app.rspamd.reasons import Reason, Reasons
from app.views.reasons import SENTENCES, load_reasons, sentence_of

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "data/captures"


def symbols(*pairs: tuple[str, float]) -> list[dict[str, object]]:
    return [{"name": name, "score": score} for name, score in pairs]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("R_SPF_FAIL", Reason.PROOF), ("DMARC_POLICY_REJECT", Reason.PROOF), ("PHISHING", Reason.FRAUD_LINK), ("DBL_PHISH", Reason.FRAUD_LINK), ("URIBL_BLACK", Reason.LISTED_LINK),
        ("RBL_SPAMHAUS_XBL", Reason.LISTED_SERVER), ("RCVD_IN_DNSWL_HI", Reason.LISTED_SERVER), ("FUZZY_DENIED", Reason.KNOWN), ("BAYES_SPAM", Reason.LEARNED), ("CLAM_VIRUS", Reason.VIRUS),
        ("MIME_BAD_EXTENSION", Reason.ATTACHMENT), ("FORGED_SENDER", Reason.FORGED), ("FORGED_RECIPIENTS_MAILLIST", Reason.LIST), ("PRECEDENCE_BULK", Reason.BULK), ("HFILTER_HELO_5", Reason.SERVER_NAME),
        ("MY_FROM_WHITELIST", Reason.ALLOWED), ("MY_IP_BL", Reason.DENIED), ("SUBJ_ALL_CAPS", Reason.SUBJECT), ("NOBODY_KNOWS_THIS", Reason.OTHER), ("", Reason.OTHER),
    ],
)  # fmt: skip
def test_a_symbol_stands_for_a_reason(name: str, reason: Reason) -> None:
    assert Reasons().reason_of(name) == reason


def test_every_reason_has_its_words() -> None:
    assert set(SENTENCES) == set(Reason)


def test_most_of_what_real_rspamds_send_is_known() -> None:
    names = {name for path in CAPTURES.rglob("*") if path.is_file() for name in re.findall(rb'"name":"([A-Z0-9_]+)"', path.read_bytes())}
    other = [name for name in names if Reasons().reason_of(name.decode()) == Reason.OTHER]
    assert len(names) > 20
    assert len(other) < len(names) / 3


def test_reasons_are_weighed_heaviest_first_and_nothing_weighs_nothing() -> None:
    found = Reasons().weigh(
        symbols(("BAYES_SPAM", 5.1), ("NEURAL_SPAM", 2.0), ("R_SPF_ALLOW", -0.2), ("RCVD_COUNT_TWO", 0.0), ("PHISHING", 6.0))
    )
    assert [(one.reason, one.score) for one in found] == [("learned", 7.1), ("fraud link", 6.0), ("proof", -0.2)]


def test_a_site_adds_its_own(app: Flask, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "reasons.json"
    path.write_text(
        json.dumps(
            {
                "groups": {"ours": {"against": "Our rule says no", "for": "Our rule says yes"}},
                "symbols": {"OUR_*": "ours", "BAYES_SPAM": "known"},
            }
        )
    )
    found, groups = load_reasons(str(path))
    assert (found.reason_of("OUR_RULE"), found.reason_of("BAYES_SPAM"), found.reason_of("BAYES_HAM")) == ("ours", "known", "learned")
    app.extensions["mailkeep_reason_groups"] = groups
    with app.test_request_context():
        assert (sentence_of("ours", 1), sentence_of("ours", -1)) == ("Our rule says no", "Our rule says yes")


@pytest.mark.parametrize("text", ["", "[]", '{"groups": {"x": {}}}', '{"symbols": {"A": "nothing"}}', None])
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path: pathlib.Path, text: str | None) -> None:
    path = tmp_path / "reasons.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=r"reasons\.json") as error:
        load_reasons(str(path))
    assert "\n" not in str(error.value)


def test_proofs_are_drawn_from_the_symbols() -> None:
    found = checks_of(
        [
            {"name": "R_SPF_ALLOW", "options": ["+ip4:192.0.2.0/24"]},
            {"name": "R_DKIM_REJECT", "options": ["other.example:s=x"]},
            {"name": "R_DKIM_ALLOW", "options": ["example.net:s=key"]},
            {"name": "DMARC_POLICY_REJECT", "options": ["example.net : No valid SPF", "reject"]},
        ]
    )
    assert [(check.method, check.verdict, check.domain) for check in found] == [
        ("SPF", Verdict.PASSED, ""),
        ("DKIM", Verdict.PASSED, "example.net"),
        ("DMARC", Verdict.FAILED, "example.net"),
    ]
    assert [check.verdict for check in checks_of([{"name": "AUTH_NA"}])] == [Verdict.NONE] * 3
    assert checks_of([]) == []


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        (("A_WL",), "allow"),
        (("A_WHITELIST_X",), "allow"),
        (("A_BL",), "deny"),
        (("A_BL", "B_WL"), "deny"),
        (("RBL_X", "URIBL_BLACK", "A_BLOCKED", "WL_A"), ""),
        ((), ""),
    ],
)
def test_hits_of_lists_are_marked(names: tuple[str, ...], listed: str) -> None:
    assert listing_of(symbols(*((name, 1.0) for name in names))) == listed


def test_dangerous_attachments_are_marked_from_symbols() -> None:
    assert risk_of(symbols(("MIME_BAD_EXTENSION", 2.0)))
    assert not risk_of(symbols(("MIME_GOOD", -0.1)))
