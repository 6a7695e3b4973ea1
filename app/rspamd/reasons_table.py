"""Which symbols of Rspamd stand for which reason, by their names, and by their groups where a name tells nothing."""

from enum import StrEnum, unique


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
SYMBOLS: tuple[tuple[Reason, str], ...] = (
    (
        Reason.VIRUS,
        (
            "CLAM_* CLAMAV* *_VIRUS VIRUS_* *_INFECTED ESET_* SOPHOS_* FPROT_* KASPERSKY* AVAST_* SAVAPI_* VIRUSTOTAL_* METADEFENDER_* "
            "VADE_MALWARE AVIRA_* DRWEB_* ICAP_*"
        ),
    ),
    (Reason.LIST, "MAILLIST *_MAILLIST MAILMAN* HAS_LIST_*"),
    (Reason.ALLOWED, "WHITELIST_* LOCAL_WL* WHITELISTED*"),
    (Reason.DENIED, "BLACKLIST_* LOCAL_BL*"),
    (
        Reason.KNOWN,
        (
            "FUZZY_* *_FUZZY* RAZOR* PYZOR* DCC_* CLOUDMARK* VADE_SPAM* VADE_SUSPECT VADE_CLEAN KLMS_SPAM MICROSOFT_SPAM SPAM_FLAG "
            "UNITEDINTERNET_SPAM SPAMD SPAMTRAP* SPAM_TRAP* SPAMASSASSIN*"
        ),
    ),
    (Reason.REPUTATION, "*_REPUTATION* IP_REP* SENDER_REP* SPF_REP* DKIM_REP* URL_REP* GENERIC_REP* ASN* BAD_REP_* IP_SCORE*"),
    (
        Reason.FRAUD_LINK,
        (
            "PHISH* PH_SURBL* *_PHISH *_PHISH_* *_PHISHING DBL_MALWARE DBL_ABUSE_* DBL_BOTNET MW_SURBL* CRACKED_SURBL URLHAUS* OPENPHISH* "
            "GOOGLE_SAFE* *OMOGRAPH_URL* WP_COMPROMISED"
        ),
    ),
    (Reason.LISTED_LINK, "URIBL_* DBL DBL_* *_URIBL *_URIBL_* *_SURBL *_SURBL_* SURBL_* MSBL_* RSPAMD_EMAILBL* DM_SURBL*"),
    (
        Reason.LISTED_SERVER,
        "RBL_* RECEIVED_* *_XBL *_PBL *_SBL *_RBL RCVD_IN_* RWL_* DWL_* *DNSWL* MAILSPIKE* SPAMHAUS_* RCVD_UNAUTH_PBL R_RCVD_SPAMBOTS",
    ),
    (Reason.PROOF, "R_SPF_* R_DKIM_* DKIM_* DMARC_* ARC_* AUTH_* SPF_* VIOLATED_DIRECT_SPF BIMI_* BOUNCE_NO_AUTH"),
    (Reason.HIDDEN, "MIME_BAD_UNICODE *INVISIBLE* ZERO_FONT R_WHITE_ON_WHITE *ZERO_WIDTH* HIDDEN_* *_HIDDEN* HTML_VISIBLE* DATA_URI_OBFU"),
    # Encrypted or signed by the sender's mail program, which is no attachment to be afraid of.
    (Reason.OTHER, "ENCRYPTED_PGP ENCRYPTED_SMIME SIGNED_*"),
    (
        Reason.ATTACHMENT,
        (
            "MIME_BAD_ATTACHMENT MIME_BAD_EXTENSION MIME_BAD MIME_DOUBLE_* MIME_*ARCHIVE* MIME_EXE_* MIME_UNKNOWN "
            "PDF_* *_MACRO *_ENCRYPTED OLETOOLS* BOGUS_ENCRYPTED* HAS_ATTACHMENT"
        ),
    ),
    (Reason.LEARNED, "BAYES_* NEURAL_* GPT_*"),
    (Reason.REPLY, "REPLY *_REPLY IS_REPLY KNOWN_MID* KNOWN_SENDER*"),
    (
        Reason.BULK,
        (
            "PRECEDENCE_BULK BULK* *_BULK* NEWSLETTER* SENDGRID* MAILCHIMP* *PHPMAILER* PHP_* X_PHP* *_X_PHP* *_MASS_* AUTOGEN_* "
            "STRONGMAIL HAS_INTERSPIRE_SIG TRACKER_ID VADE_COMMERCIAL VADE_COMMUNITY"
        ),
    ),
    (Reason.SCAM, "LEAKED_* BITCOIN* *_SCAM *_SCAM_* FRAUD* *_419* MONEY* LOTTO* ADVANCE_* FREEMAIL_AFF SCAM* *GTUBE*"),
    # Before the next: what is needlessly encoded is no forgery.
    (Reason.WRITING, "FROM_EXCESS_* REPLYTO_EXCESS_* CC_EXCESS_* TO_EXCESS_* *_NEEDS_ENCODING FROM_NAME_EXCESS_SPACE R_MISSING_CHARSET"),
    (
        Reason.FORGED,
        (
            "FORGED_* FAKE_* SPOOF_* *SPOOF* FROM_NEQ_* *_DISPLAY_* FM_FAKE_* *_IMPERSON* FROM_NAME_HAS_* "
            "REPLYTO_* REPTO_* FROM_NO_DN HFILTER_FROM* MX_INVALID MX_MISSING MX_GOOD MX_WHITE"
        ),
    ),
    (Reason.FREEMAIL, "FREEMAIL_* DISPOSABLE_* *_FREEMAIL*"),
    (Reason.BROKEN, "HFILTER_MID* HFILTER_RCPT* SUSPICIOUS_BOUNDARY* STOX_* R_NO_SPACE_IN_FROM SHORT_PART_BAD_HEADERS"),
    (Reason.SERVER_NAME, "HFILTER_HELO* HFILTER_HOST* RDNS_* ONCE_RECEIVED* DIRECT_TO_MX *_HELO*"),
    (Reason.PICTURES, "HTML_SHORT_LINK_IMG* *_IMG_* *_IMAGES* R_EMPTY_IMAGE HAS_EXTERNAL_IMG* *_IMG PICTURE*"),
    (
        Reason.LINKS,
        (
            "HFILTER_URL* *_URL_* *_URL *URLS* SUSPICIOUS_URL* REDIRECTOR_URL* *_LINK* HAS_GUC* HAS_IPFS* HTTP_TO_* URL_* URI_* *_URI "
            "HAS_GOOGLE_REDIR HAS_GOOGLE_FIREBASE* HAS_ANON_DOMAIN HAS_ONION* WWW_DOT_DOMAIN"
        ),
    ),
    (Reason.SUBJECT, "SUBJ_* *_SUBJECT SUBJECT_* SUBJ* *_SUBJ_* LONG_SUBJ"),
    (Reason.WRITING, "R_MIXED_CHARSET* *_CHARSET* *_LANG* R_BAD_CTE* BASE64_* *_UPPER* LANG_* UPPERCASE_* *_WORDS*"),
    (Reason.RECIPIENTS, "*RCPT* *_RECIPS* TO_* *_TO_* UNDISC_* *_RECIPIENT* SORTED_RECIPS"),
    (Reason.RATE, "RATELIMIT* GREYLIST* *_RATELIMIT*"),
    (Reason.PATH, "RCVD_* *_RCVD_* FROM_*_MX"),
    (Reason.PROGRAM, "*_XM_* XM_* *_MUA* *MAILER* X_MAILER* HAS_X_* R_SAJDING* OUTLOOK* RATWARE*"),
    (
        Reason.BROKEN,
        (
            "BROKEN_* INVALID_* MISSING_* *_MISSING* MIME_* R_PARTS_* MULTIPLE_* MID_* *_MID* DATE_* *_DATE* HEADER_* "
            "EMPTY_* *_INVALID* CT_* CTE_* CTYPE_* CD_* BAD_* MV_* BOUNCE"
        ),
    ),
)

# Rspamd's groups.
GROUPS: dict[str, Reason] = {
    "antivirus": Reason.VIRUS,
    "body": Reason.WRITING,
    "blankspam": Reason.BROKEN,
    "compromised_hosts": Reason.BULK,
    "content": Reason.ATTACHMENT,
    "excessb64": Reason.WRITING,
    "excessqp": Reason.WRITING,
    "freemail": Reason.FREEMAIL,
    "fuzzy": Reason.KNOWN,
    "headers": Reason.BROKEN,
    "hfilter": Reason.SERVER_NAME,
    "html": Reason.HIDDEN,
    "maillist": Reason.LIST,
    "Message ID": Reason.BROKEN,
    "mid": Reason.BROKEN,
    "mime": Reason.BROKEN,
    "mime_types": Reason.ATTACHMENT,
    "mua": Reason.PROGRAM,
    "neural": Reason.LEARNED,
    "phishing": Reason.FRAUD_LINK,
    "policies": Reason.PROOF,
    "ratelimit": Reason.RATE,
    "rbl": Reason.LISTED_SERVER,
    "replies": Reason.REPLY,
    "reputation": Reason.REPUTATION,
    "scams": Reason.SCAM,
    "statistics": Reason.LEARNED,
    "subject": Reason.SUBJECT,
    "surbl": Reason.LISTED_LINK,
    "upstream_spam_filters": Reason.KNOWN,
    "url": Reason.LINKS,
    "whitelist": Reason.PROOF,
}
