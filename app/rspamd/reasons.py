"""Why a mail was judged as it was: symbols, of which nobody should have to know, gathered into a few reasons."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any


@unique
class Reason(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    VIRUS = "virus"
    ATTACHMENT = "attachment"
    FRAUD_LINK = "fraud link"
    LISTED_LINK = "listed link"
    PROOF = "proof"
    FORGED = "forged"
    LISTED_SERVER = "listed server"
    SERVER_NAME = "server name"
    KNOWN = "known"
    LEARNED = "learned"
    REPUTATION = "reputation"
    BULK = "bulk"
    LIST = "list"
    REPLY = "reply"
    SCAM = "scam"
    HIDDEN = "hidden"
    PICTURES = "pictures"
    SUBJECT = "subject"
    WRITING = "writing"
    BROKEN = "broken"
    PATH = "path"
    FREEMAIL = "freemail"
    RECIPIENTS = "recipients"
    LINKS = "links"
    RATE = "rate"
    PROGRAM = "program"
    OTHER = "other"


# Names of symbols, * stands for any ending or beginning; the first that fits counts.
_TABLE: tuple[tuple[Reason, str], ...] = (
    (
        Reason.VIRUS,
        "CLAM_* CLAMAV* *_VIRUS VIRUS_* *_INFECTED ESET_* SOPHOS_* FPROT_* KASPERSKY* AVAST_* SAVAPI_* VIRUSTOTAL_* METADEFENDER_*",
    ),
    (Reason.LIST, "MAILLIST *_MAILLIST MAILMAN* HAS_LIST_*"),
    (Reason.ALLOWED, "*_WL *_WL_* *_WHITELIST *_WHITELIST_* WHITELIST_* LOCAL_WL* WHITELISTED*"),
    (Reason.DENIED, "BLACKLIST_* *_BLACKLIST *_BLACKLIST_* LOCAL_BL* *_BL"),
    (
        Reason.FRAUD_LINK,
        "PHISH* PH_SURBL* *_PHISH *_PHISH_* DBL_MALWARE DBL_ABUSE_* DBL_BOTNET MW_SURBL* CRACKED_SURBL URLHAUS* OPENPHISH* GOOGLE_SAFE*",
    ),
    (Reason.LISTED_LINK, "URIBL_* DBL DBL_* *_URIBL *_URIBL_* *_SURBL *_SURBL_* SURBL_* MSBL_* RSPAMD_EMAILBL* *EBL* DM_SURBL*"),
    (
        Reason.LISTED_SERVER,
        "RBL_* RECEIVED_BLOCK* RECEIVED_SPAM* *_XBL *_PBL *_SBL *_RBL RCVD_IN_* RWL_* DWL_* *DNSWL* MAILSPIKE* IP_SCORE* SPAMHAUS_*",
    ),
    (Reason.PROOF, "R_SPF_* R_DKIM_* DKIM_* DMARC_* ARC_* AUTH_* SPF_* VIOLATED_DIRECT_SPF BIMI_*"),
    (
        Reason.ATTACHMENT,
        (
            "MIME_BAD_ATTACHMENT MIME_BAD_EXTENSION MIME_BAD MIME_DOUBLE_* MIME_*ARCHIVE* MIME_EXE_* MIME_UNKNOWN "
            "PDF_* *_MACRO* OLETOOLS* ENCRYPTED_* BOGUS_ENCRYPTED* HAS_ATTACHMENT"
        ),
    ),
    (Reason.KNOWN, "FUZZY_* *_FUZZY* RAZOR* PYZOR* DCC_* LOCAL_FUZZY*"),
    (Reason.LEARNED, "BAYES_* NEURAL_* GPT_* SPAM_TRAP*"),
    (Reason.REPUTATION, "*_REPUTATION* IP_REP* SENDER_REP* GENERIC_REP* ASN*"),
    (Reason.REPLY, "REPLY *_REPLY IS_REPLY KNOWN_MID* KNOWN_SENDER*"),
    (Reason.BULK, "PRECEDENCE_BULK BULK* *_BULK* NEWSLETTER* SENDGRID* MAILCHIMP* *PHPMAILER* PHP_* X_PHP* *_X_PHP* *_MASS_*"),
    (Reason.SCAM, "LEAKED_* BITCOIN* *_SCAM* FRAUD* *_419* MONEY* LOTTO* ADVANCE_* FREEMAIL_AFF SCAM* *GTUBE*"),
    (
        Reason.FORGED,
        (
            "FORGED_* FAKE_* SPOOF_* *SPOOF* FROM_NEQ_* *_DISPLAY_* FM_FAKE_* *_IMPERSON* FROM_NAME_HAS_* "
            "REPLYTO_DOM_NEQ* REPLYTO_* FROM_NO_DN FROM_EXCESS*"
        ),
    ),
    (Reason.FREEMAIL, "FREEMAIL_* DISPOSABLE_* *_FREEMAIL*"),
    (
        Reason.SERVER_NAME,
        (
            "HFILTER_HELO* HFILTER_HOST* RDNS_* ONCE_RECEIVED* DIRECT_TO_MX HFILTER_FROMHOST* HFILTER_MID* *_HELO* "
            "HFILTER_FROM_* HFILTER_RCPT*"
        ),
    ),
    (
        Reason.HIDDEN,
        "MANY_INVISIBLE* ZERO_FONT *INVISIBLE* R_WHITE_ON_WHITE *ZERO_WIDTH* HIDDEN_* *_HIDDEN* MIME_BAD_UNICODE HTML_VISIBLE*",
    ),
    (Reason.PICTURES, "HTML_SHORT_LINK* *_IMG_* *_IMAGES* R_EMPTY_IMAGE HAS_EXTERNAL_IMG* *_IMG PICTURE*"),
    (
        Reason.LINKS,
        "HFILTER_URL* *_URL_* *_URL *URLS* SUSPICIOUS_URL* REDIRECTOR_URL* R_SUSPICIOUS_URL *_LINK* HAS_GUC* HAS_IPFS* HTTP_TO_* URL_*",
    ),
    (Reason.SUBJECT, "SUBJ_* *_SUBJECT SUBJECT_* SUBJ* *_SUBJ_* LONG_SUBJ"),
    (Reason.WRITING, "R_MIXED_CHARSET* *_CHARSET* *_LANG* R_BAD_CTE* BASE64_* *_UPPER* LANG_* UPPERCASE_* *_WORDS*"),
    (Reason.RECIPIENTS, "*RCPT* *_RECIPS* TO_* *_TO_* UNDISC_* *_RECIPIENT* SORTED_RECIPS"),
    (Reason.RATE, "RATELIMIT* GREYLIST* *_RATELIMIT*"),
    (Reason.PATH, "RCVD_* RECEIVED* *_RCVD_* FROM_*_MX"),
    (Reason.PROGRAM, "*_XM_* XM_* *_MUA* *MAILER* X_MAILER* HAS_X_* R_SAJDING* OUTLOOK* RATWARE*"),
    (
        Reason.BROKEN,
        (
            "BROKEN_* INVALID_* MISSING_* *_MISSING* MIME_* R_PARTS_* MULTIPLE_* MID_* *_MID* DATE_* *_DATE* HEADER_* "
            "EMPTY_* *_INVALID* CT_* CTE_* CTYPE_* CD_* BAD_* MV_* BOUNCE"
        ),
    ),
    (Reason.OTHER, "*"),
)


@dataclass(frozen=True, slots=True)
class Weighed:
    reason: str
    """A Reason, or the name of a group that the site made."""
    score: float
    symbols: tuple[str, ...]


def pattern_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name).replace(r"\*", ".*") for name in names)


class Reasons:
    """`own` are symbols of the site, by name or with *, and the reason each stands for; they come before ours."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        rules = [(reason, [name]) for name, reason in (own or {}).items()] + [(reason, names.split()) for reason, names in _TABLE]
        self._rules = [(str(reason), re.compile(pattern_of(names)).fullmatch) for reason, names in rules]
        self._known: dict[str, str] = {}

    def reason_of(self, name: str) -> str:
        """Names are Rspamd's and few; what a stranger could make up is not remembered for ever."""
        found = self._known.get(name)
        if found is None:
            found = next(reason for reason, matches in self._rules if matches(name[:200].replace("\n", " ")))
            if len(self._known) < 5000:
                self._known[name] = found
        return found

    def weigh(self, symbols: Iterable[Mapping[str, Any]]) -> list[Weighed]:
        """What spoke for and against, heaviest first; what weighed nothing is left out."""
        scores: dict[str, float] = {}
        names: dict[str, list[str]] = {}
        for symbol in symbols:
            reason = self.reason_of(str(symbol.get("name", "")))
            score = float(symbol.get("score") or 0)
            scores[reason] = scores.get(reason, 0.0) + score
            if score:
                names.setdefault(reason, []).append(str(symbol["name"]))
        found = [Weighed(reason, round(score, 2), tuple(names[reason])) for reason, score in scores.items() if abs(score) >= 0.05]
        return sorted(found, key=lambda weighed: -abs(weighed.score))
