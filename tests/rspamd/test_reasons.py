"""Symbols gathered into reasons, and the words for them."""

import json
import pathlib
import re

import pytest
from flask import Flask

from app.rspamd.reasons import Reasons
from app.rspamd.reasons_table import Reason
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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SPF_REPUTATION_SPAM", Reason.REPUTATION),
        ("DKIM_REPUTATION", Reason.REPUTATION),
        ("MICROSOFT_SPAM", Reason.KNOWN),
        ("HACKED_WP_PHISHING", Reason.FRAUD_LINK),
        ("HFILTER_FROMHOST_NOT_FQDN", Reason.FORGED),
        ("FROM_EXCESS_QP", Reason.WRITING),
        ("MIME_BAD_UNICODE", Reason.HIDDEN),
        ("ENCRYPTED_PGP", Reason.OTHER),
        ("RCVD_UNAUTH_PBL", Reason.LISTED_SERVER),
        ("RBL_SOMEBODY_BL", Reason.LISTED_SERVER),
        ("RCPT_BL2", Reason.DENIED),
        ("SUBJ_WHITELIST", Reason.ALLOWED),
    ],
)
def test_a_name_that_fits_twice_stands_for_what_it_means(name: str, reason: Reason) -> None:
    assert Reasons().reason_of(name) == reason


def test_a_name_that_tells_nothing_stands_for_what_its_group_does() -> None:
    reasons = Reasons({"HOUSE_*": "bulk"})
    assert reasons.reason_of("NOBODY_KNOWS", "antivirus") == Reason.VIRUS
    assert reasons.reason_of("NOBODY_KNOWS", "phishing") == Reason.FRAUD_LINK
    assert reasons.reason_of("NOBODY_KNOWS", "house") == Reason.OTHER
    assert reasons.reason_of("HOUSE_RULE", "antivirus") == "bulk"
    [weighed] = reasons.weigh([{"name": "NOBODY_KNOWS", "group": "fuzzy", "score": 3}])
    assert weighed.reason == Reason.KNOWN


def test_long_and_odd_names_are_read_without_harm() -> None:
    for name in ("_" * 100_000, "A\nB_PHISH", "*", "\0", "_TO_" * 50_000):
        assert Reasons().reason_of(name) in set(Reason)
