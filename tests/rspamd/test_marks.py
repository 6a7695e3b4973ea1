"""Marks that a mail gets from its symbols when it comes in."""

import pytest

from app.rspamd.marks import listing_of, risk_of


def symbols(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "score": 1.0} for name in names]


@pytest.mark.parametrize("name", ["IP_WL", "FROM_WHITELIST", "PAIR_WL_2", "RCPT_WL7", "A_WHITELIST_DOMAIN"])
def test_a_hit_in_an_allow_map_is_marked(name: str) -> None:
    assert listing_of(symbols("BAYES_SPAM", name)) == "allow"


@pytest.mark.parametrize("name", ["IP_BL", "FROM_BLACKLIST", "PAIR_BL_2", "RCPT_BL7", "A_BLACKLIST_DOMAIN"])
def test_a_hit_in_a_deny_map_is_marked_and_outweighs_an_allow_map(name: str) -> None:
    assert listing_of(symbols("IP_WL", name)) == "deny"


@pytest.mark.parametrize(
    "name",
    [
        "RBL_SPAMHAUS_BL",
        "DBL_SPAM",
        "DBL_BL",
        "URIBL_BLACK",
        "SPAM_ABUSE_SURBL",
        "RCVD_IN_DNSWL_HI",
        "RWL_MAILSPIKE_WL",
        "PHISHED_WHITELISTED",
        "WHITELIST_SPF",
        "BLACKLIST_DMARC",
        "MY_BLOCKED",
        "MY_BLUE",
        "MY_WLAN",
        "_blx",
        "",
    ],
)
def test_public_lists_and_like_names_are_no_maps_of_the_site(name: str) -> None:
    assert listing_of(symbols(name)) == ""


@pytest.mark.parametrize(
    "name",
    [
        "MIME_BAD_EXTENSION",
        "MIME_DOUBLE_BAD_EXTENSION",
        "MIME_BAD_ATTACHMENT",
        "MIME_ARCHIVE_IN_ARCHIVE",
        "MIME_ENCRYPTED_ARCHIVE",
        "MIME_OBFUSCATED_ARCHIVE",
        "MIME_EXE_IN_GEN_SPLIT_RAR",
        "MIME_BAD_UNICODE",
        "PDF_ENCRYPTED",
        "PDF_JAVASCRIPT",
        "PDF_SUSPICIOUS",
        "OLETOOLS",
        "OLETOOLS_MACRO",
        "CLAM_VIRUS_MACRO",
        "CLAM_VIRUS_ENCRYPTED",
    ],
)
def test_a_dangerous_attachment_is_marked(name: str) -> None:
    assert risk_of(symbols("MIME_GOOD", name))


def test_harmless_attachments_are_not_marked() -> None:
    harmless = ("MIME_GOOD", "HAS_ATTACHMENT", "ENCRYPTED_PGP", "SIGNED_SMIME", "PDF_MANY_OBJECTS", "OLETOOLS_FAIL", "MIME_TRACE", "")
    assert not risk_of(symbols(*harmless))
    assert not risk_of([])
